/** Filtered answers of a run as training rows, for supervised learning (rejection sampling). */
import type { SampleRow } from '../contract/calls.ts';
import type { PromptRow, Row } from '../datasets/row.ts';

/** One line of a file of answers: what `data.prompt` and `data.answer` read by default. */
export interface AnswerLine extends Row {
  readonly prompt: string;
  /** What the model said; the other columns of the row are those of the data. */
  readonly answer: string;
  readonly reward: number;
}

type Question = Pick<PromptRow, 'prompt' | 'row'>;
type Answer = Pick<SampleRow, 'promptIndex' | 'text' | 'finish' | 'reward'>;

/**
 * The best answer to each question over all steps, the newest of equally good ones; with a threshold every different
 * answer that reaches it. Answers must have ended by themselves: one that was cut off would teach to stop in the middle.
 * @param answers oldest first
 * @param questions the question by its number, as the data has it (without a chat template), with its row
 */
export function bestAnswers(
  answers: readonly Answer[],
  questions: ReadonlyMap<number, Question>,
  minReward?: number,
): AnswerLine[] {
  const lines = new Map<string, AnswerLine>();
  for (const { promptIndex, text, finish, reward } of answers) {
    const question = questions.get(promptIndex);
    if (question === undefined || reward === null || finish !== 'stop' || text.trim() === '') continue;
    const { prompt, row } = question;
    const line = { ...row, prompt, answer: text, reward };
    if (minReward !== undefined) {
      if (reward >= minReward) lines.set(JSON.stringify([prompt, text]), line);
      continue;
    }
    const best = lines.get(prompt);
    if (best === undefined || reward >= best.reward) lines.set(prompt, line);
  }
  return [...lines.values()];
}
