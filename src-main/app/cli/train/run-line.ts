/** Trainer events → lines of `train --json`. Pure. */
import type { TrainLine } from '../../../contract/cli-output.ts';
import type { Sample, TrainerEvent } from '../../../contract/events.ts';

type SamplesLine = Extract<TrainLine, { event: 'samples' }>;

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const floats = (values: Float32Array): (number | null)[] => Array.from(values, finite);

function sampleLine(sample: Sample): SamplesLine['samples'][number] {
  const { logprobs, advantages, entropies, referenceLogprobs, tokenEnds, anchors } = sample;
  return {
    split: sample.split,
    promptIndex: sample.promptIndex,
    sampleIndex: sample.sampleIndex,
    prompt: sample.prompt,
    reference: sample.reference,
    promptIds: Array.from(sample.promptIds),
    ids: Array.from(sample.ids),
    text: sample.text,
    finish: sample.finish,
    reward: sample.reward,
    samplerLogprobs: floats(sample.samplerLogprobs),
    ...(logprobs === undefined ? {} : { logprobs: floats(logprobs) }),
    ...(advantages === undefined ? {} : { advantages: floats(advantages) }),
    ...(entropies === undefined ? {} : { entropies: floats(entropies) }),
    ...(referenceLogprobs === undefined ? {} : { referenceLogprobs: floats(referenceLogprobs) }),
    ...(tokenEnds === undefined ? {} : { tokenEnds: Array.from(tokenEnds) }),
    ...(anchors === undefined ? {} : { anchors }),
  };
}

/** The line of an event, or undefined for those that are told in another way (the end of a run) or belong to jobs. */
export function runLine(run: string, event: TrainerEvent): TrainLine | undefined {
  switch (event.type) {
    case 'phase':
    case 'ready':
    case 'evaluation':
    case 'checkpoint':
    case 'log': {
      const { type, ...fields } = event;
      return { event: type, run, ...fields } as TrainLine;
    }
    case 'step':
      return {
        event: 'step',
        run,
        step: event.step,
        metrics: Object.fromEntries(
          Object.entries(event.metrics).map(([name, value]) => [name, finite(value)]),
        ),
      };
    case 'samples':
      return { event: 'samples', run, step: event.step, samples: event.samples.map(sampleLine) };
    case 'end':
    case 'failed':
    case 'generated':
    case 'scored':
    case 'model-score':
    case 'lab-question':
    case 'projected':
    case 'tokenized':
    case 'graded':
    case 'grade-seconds':
    case 'job-end':
    case 'printed':
    case 'judge-request':
      return undefined;
  }
}
