/** What people see of a run at work: the progress bar, and lines for what is worth keeping. */
import type { RunRow } from '../../../contract/calls.ts';
import type { TrainerEvent } from '../../../contract/events.ts';
import { runFacts, type ProgressWriter } from '../progress-bar.ts';
import { formatBytes, formatNumber } from '../table.ts';

const phaseTitles = {
  loading: 'Reading the model and the data',
  compiling: 'Preparing the computation',
  preflight: 'Trying the reward on a few answers',
  evaluating: 'Asking the held-out questions',
  training: '',
  grading: 'Asking the judge',
  waiting: 'Waiting',
  saving: 'Saving a checkpoint',
  stopping: 'Stopping with a checkpoint',
} as const;

export interface RunDisplay {
  event(event: TrainerEvent): void;
  /** The newest row: step, reward, time left. */
  row(row: RunRow): void;
}

/** Shows one run. `place` tells which of several it is, such as "2/6 "; empty for the only one. */
export function createRunDisplay(writer: ProgressWriter, place: string, first: RunRow): RunDisplay {
  let present = first;
  let phase: keyof typeof phaseTitles = 'loading';
  let phaseShare: number | null = null;
  let detail = '';
  let tokensPerSecond: number | null = null;
  let step = first.step;

  const draw = (): void => {
    if (phase === 'waiting') {
      writer.update({ title: `${place}Waiting`, share: null, facts: [detail], secondsLeft: null });
      return;
    }
    const working = phase === 'training' || phase === 'grading';
    // Between two rows the step of the events is the newer one.
    const { steps, reward, score, secondsLeft } = present;
    writer.update({
      title: `${place}${working || step > 0 ? present.name : [phaseTitles[phase], detail].filter((text) => text !== '').join(': ')}`,
      share: step > 0 || working ? step / Math.max(1, steps) : phaseShare,
      facts: step > 0 || working ? runFacts({ step, steps, reward, score, tokensPerSecond }) : [],
      secondsLeft,
    });
  };

  return {
    row: (row) => {
      present = row;
      step = Math.max(step, row.step);
      draw();
    },
    event: (event) => {
      switch (event.type) {
        case 'phase':
          phase = event.phase;
          phaseShare = event.done ?? null;
          detail = event.detail ?? '';
          draw();
          return;
        case 'ready':
          step = event.fromStep;
          writer.line(
            `${place}${event.model.family}, ${formatNumber(event.model.parameters)} parameters, on ${event.device}; ` +
              `${formatNumber(event.data.trainRows)} questions for training, ${formatNumber(event.data.evaluationRows)} held out` +
              `${event.data.droppedRows > 0 ? `, ${formatNumber(event.data.droppedRows)} left out` : ''}; ` +
              `needs about ${formatBytes(event.estimatedMemory)}.${event.fromStep > 0 ? ` Goes on after step ${event.fromStep}.` : ''}`,
          );
          return;
        case 'step':
          step = event.step;
          phase = 'training';
          tokensPerSecond = event.metrics['generatedTokensPerSecond'] ?? null;
          draw();
          return;
        case 'evaluation':
          writer.line(
            `${place}Step ${formatNumber(event.step)}: held-out score ${event.score.toFixed(3)} (${formatNumber(event.count)} questions)`,
          );
          return;
        case 'log':
          if (event.level !== 'info') writer.line(`${place}${event.level}: ${event.message}`);
          return;
        default:
          return;
      }
    },
  };
}
