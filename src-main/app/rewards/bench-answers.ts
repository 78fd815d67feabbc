/** Answers for the reward bench that are there already: pasted, the data's own right answers, or those of a stored run. */
import type { SampleRow } from '../../contract/calls.ts';
import type { BenchAnswer, BenchSource } from '../../contract/reward-bench.ts';
import { benchAnswerSchema } from '../../contract/reward-bench.ts';
import type { RunConfig } from '../../contract/experiment.ts';
import { loadDataset } from '../../datasets/load-dataset.ts';
import { mapRows } from '../../datasets/map-rows.ts';
import type { PromptRow } from '../../datasets/row.ts';
import type { Store } from '../../store/store.ts';
import { questionsOfRun } from '../sample-pairs.ts';

/** A stored answer as the bench takes it. */
export interface StoredAnswer {
  readonly sample: SampleRow;
  readonly answer: BenchAnswer;
}

/** Most answers that one look into the store brings. */
const pageSize = 1_000;

export type GivenSource = Exclude<BenchSource, { from: 'model' }>;

/** @throws user errors of the data set readers, `run-unknown` */
export async function givenAnswers(source: GivenSource, store: Store): Promise<BenchAnswer[]> {
  switch (source.from) {
    case 'pasted': {
      const questions = new Map<string, number>();
      return source.answers.map(({ prompt, response, reference }) => {
        const question = questions.get(prompt) ?? questions.size;
        questions.set(prompt, question);
        return benchAnswerSchema.parse({
          question,
          prompt,
          response,
          reference,
          row: { prompt, response, answer: reference },
        });
      });
    }
    case 'references': {
      const { path, prompt, answer } = source.data;
      const { rows } = await loadDataset({ path, limit: source.limit, seed: 0 });
      const mapped = mapRows(rows, { prompt, answer, path });
      return mapped.rows.map((row, question) =>
        benchAnswerSchema.parse({
          question,
          prompt: row.prompt,
          response: row.answer,
          reference: row.answer,
          row: row.row,
        }),
      );
    }
    case 'run':
      return (await storedAnswers(store, source.runId, source.limit, source.step)).answers.map(
        ({ answer }) => answer,
      );
  }
}

/**
 * Training answers of a run, evenly from all its steps where there are more than wanted.
 * @returns also a warning where the data of the run cannot be read again: components that read its columns have nothing then
 */
export async function storedAnswers(
  store: Store,
  runId: string,
  limit: number,
  step?: number,
): Promise<{ answers: StoredAnswer[]; warning: string | null }> {
  const key = store.runs.key(runId);
  const { config } = store.runs.more(runId);
  const { questions, warning } = await rowsOf(config);
  const steps = step === undefined ? store.samples.steps(key) : [step];
  const perStep = Math.max(1, Math.ceil(limit / Math.max(1, steps.length)));
  const answers: StoredAnswer[] = [];
  for (const one of steps) {
    for (let offset = 0; offset < perStep && answers.length < limit; offset += pageSize) {
      const { rows } = store.samples.list(key, {
        runId,
        step: one,
        split: 'train',
        sort: 'oldest',
        offset,
        limit: Math.min(pageSize, perStep - offset, limit - answers.length),
      });
      for (const sample of rows) {
        const question = questions.get(sample.promptIndex);
        answers.push({
          sample,
          answer: benchAnswerSchema.parse({
            // Answers of one step to one question are a group.
            question: one * 1_000_000 + sample.promptIndex,
            prompt: question?.prompt ?? sample.prompt,
            response: sample.text,
            reference: sample.reference,
            row: question?.row ?? {},
            finish: sample.finish,
            tokens: sample.tokens,
          }),
        });
      }
      if (rows.length === 0) break;
    }
  }
  return { answers, warning };
}

async function rowsOf(
  config: RunConfig,
): Promise<{ questions: ReadonlyMap<number, Pick<PromptRow, 'prompt' | 'row'>>; warning: string | null }> {
  try {
    return { questions: await questionsOfRun(config), warning: null };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      questions: new Map(),
      warning: `The data of the run could not be read again (${why}); components that read its columns cannot grade.`,
    };
  }
}
