/** Pairs of answers from the stored answers of a run, for methods that learn from preferences. */
import type { SampleRow } from '../contract/calls.ts';
import type { RunConfig } from '../contract/experiment.ts';
import { loadDataset } from '../datasets/load-dataset.ts';
import { mapRows } from '../datasets/map-rows.ts';
import type { PromptRow, Row } from '../datasets/row.ts';
import { noSignalTolerance } from '../estimators/group-statistics.ts';

/** One line of a file of pairs: what `data.prompt`, `data.answer`, `data.chosen` and `data.rejected` read by default. */
export interface PairLine extends Row {
  readonly prompt: string;
  /** The right answer; with the other columns of the row, so that methods with a reward can learn from the same file. */
  readonly answer: string;
  readonly chosen: string;
  readonly rejected: string;
  readonly chosenReward: number;
  readonly rejectedReward: number;
}

type Question = Pick<PromptRow, 'prompt' | 'row'>;
type Answer = Pick<SampleRow, 'step' | 'promptIndex' | 'text' | 'finish' | 'reward' | 'reference'>;

/**
 * Best against worst answer to each question in each step. A chosen answer must have ended by itself: one that was cut
 * off would teach to stop in the middle. Questions whose answers tie give none; equal pairs are listed once.
 * @param questions the question by its number, as the data has it (without a chat template), with its row
 */
export function samplePairs(
  answers: readonly Answer[],
  questions: ReadonlyMap<number, Question>,
): PairLine[] {
  const groups = new Map<string, (Answer & { reward: number })[]>();
  for (const answer of answers) {
    if (answer.reward === null || answer.text.trim() === '') continue;
    const key = `${answer.step}/${answer.promptIndex}`;
    groups.set(key, [...(groups.get(key) ?? []), { ...answer, reward: answer.reward }]);
  }
  const pairs = new Map<string, PairLine>();
  for (const members of groups.values()) {
    const ended = members.filter(({ finish }) => finish === 'stop');
    const question = questions.get(members[0]?.promptIndex ?? -1);
    const best = ended.reduce<(typeof ended)[number] | null>(
      (most, one) => (most === null || one.reward > most.reward ? one : most),
      null,
    );
    if (best === null || question === undefined) continue;
    const worst = members.reduce((least, one) => (one.reward < least.reward ? one : least), best);
    if (best.reward - worst.reward <= noSignalTolerance) continue;
    const line = {
      ...question.row,
      prompt: question.prompt,
      answer: best.reference,
      chosen: best.text,
      rejected: worst.text,
      chosenReward: best.reward,
      rejectedReward: worst.reward,
    };
    pairs.set(JSON.stringify([question.prompt, best.text, worst.text]), line);
  }
  return [...pairs.values()];
}

/**
 * Questions of the training file of a run by their number, as they were asked before any chat template.
 * @throws user errors of the data set readers
 */
export async function questionsOfRun({ data, seed }: RunConfig): Promise<Map<number, Question>> {
  const { rows } = await loadDataset({ path: data.path, seed });
  const mapped = mapRows(rows, {
    prompt: data.prompt,
    answer: data.answer,
    messages: data.messages,
    system: data.system,
    path: data.path,
    answerNeeded: false,
  });
  return new Map(mapped.rows.map((row) => [row.index, row]));
}
