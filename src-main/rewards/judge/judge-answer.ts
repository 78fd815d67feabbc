/** One answer judged: the questions to the judge, a reminder where its reply cannot be read, and the value. */
import type { ComponentOf } from '../../contract/reward.ts';
import { columnValue } from '../../datasets/column-path.ts';
import { notGradable, wrong, type Outcome } from '../outcome.ts';
import { compareQuestion, reminder, scoreQuestion } from './judge-messages.ts';
import type { AnswerPlace, JudgeItem, JudgeMessage, JudgementForm, JudgeQuestion } from './judge-messages.ts';
import { readComparison, type Preference } from './read-comparison.ts';
import type { ReadJudgement } from './read-reply.ts';
import { readScore } from './read-score.ts';
import { needsReference, rubricColumns } from './rubric.ts';

type JudgeComponent = ComponentOf<'judge'>;

/** What became of one question: the judge's words, or why it could not answer this one although it answers others. */
export type JudgeReply = { readonly text: string } | { readonly failed: string };

/** Asks the judge once. Throws only what concerns all answers, such as a refused key. */
export type AskOnce = (messages: readonly JudgeMessage[], form: JudgementForm) => Promise<JudgeReply>;

export interface Judgement {
  readonly outcome: Outcome;
  /** Places that the judge preferred with the answer shown first, then second; null where it did not compare. */
  readonly preferences: readonly [Preference, Preference] | null;
  /** Replies that could not be read. */
  readonly unreadable: number;
}

/**
 * Judges one answer. An empty answer is worth 0 and is not shown to the judge; without a right answer, where one is
 * needed, or a column that the rubric names, it is not gradable.
 */
export async function judgeAnswer(
  component: JudgeComponent,
  item: JudgeItem,
  ask: AskOnce,
): Promise<Judgement> {
  const settled = withoutJudge(component, item);
  if (settled !== null) return { outcome: settled, preferences: null, unreadable: 0 };
  return component.mode === 'score' ? score(component, item, ask) : compare(component, item, ask);
}

function withoutJudge(component: JudgeComponent, item: JudgeItem): Outcome | null {
  const missing = rubricColumns(component.rubric).find((name) => columnValue(item.row, name) === undefined);
  if (missing !== undefined) return notGradable(`the row has no column "${missing}", which the rubric names`);
  if (needsReference(component) && item.reference.trim() === '')
    return notGradable('the row has no right answer');
  return item.response.trim() === '' ? wrong('empty answer') : null;
}

async function score(component: JudgeComponent, item: JudgeItem, ask: AskOnce): Promise<Judgement> {
  const { scale } = component;
  const read = await askUntilRead(scoreQuestion(component, item), ask, (reply) => readScore(reply, scale));
  if ('failure' in read) return { outcome: read.failure, preferences: null, unreadable: read.unreadable };
  const [low, high] = scale;
  const reason = `${read.verdict} of ${high}${read.reason === '' ? '' : `: ${read.reason}`}`;
  return {
    outcome: { value: (read.verdict - low) / (high - low), reason },
    preferences: null,
    unreadable: read.unreadable,
  };
}

async function compare(component: JudgeComponent, item: JudgeItem, ask: AskOnce): Promise<Judgement> {
  const [shownFirst, shownSecond] = await Promise.all(
    (['first', 'second'] satisfies AnswerPlace[]).map((place) =>
      askUntilRead(compareQuestion(component, item, place), ask, readComparison),
    ),
  );
  const unreadable = shownFirst!.unreadable + shownSecond!.unreadable;
  for (const read of [shownFirst!, shownSecond!])
    if ('failure' in read) return { outcome: read.failure, preferences: null, unreadable };
  if ('failure' in shownFirst! || 'failure' in shownSecond!)
    throw new Error('internal: a failure was not told');
  const preferences = [shownFirst!.verdict, shownSecond!.verdict] as const;
  const value = (worth(preferences[0], 'first') + worth(preferences[1], 'second')) / 2;
  const reason =
    preferences[0] === preferences[1] && preferences[0] !== 'equal'
      ? `undecided: prefers the ${preferences[0]} place in both orders`
      : `${describe(value)}: ${shownFirst!.reason}`;
  return { outcome: { value, reason }, preferences, unreadable };
}

/** 1 where the answer is preferred, 0 where the right answer is. */
function worth(preferred: Preference, place: AnswerPlace): number {
  return preferred === 'equal' ? 0.5 : preferred === place ? 1 : 0;
}

function describe(value: number): string {
  if (value === 0.5) return 'as good as the right answer';
  return `${value === 1 || value === 0 ? '' : 'rather '}${value > 0.5 ? 'better' : 'worse'} than the right answer`;
}

type Read<T> =
  | { readonly verdict: T; readonly reason: string; readonly unreadable: number }
  | { readonly failure: Outcome; readonly unreadable: number };

/** Asks, and asks once more with a reminder where the reply cannot be read. */
async function askUntilRead<T>(
  question: JudgeQuestion,
  ask: AskOnce,
  read: (reply: string) => ReadJudgement<T>,
): Promise<Read<T>> {
  const first = await ask(question.messages, question.form);
  if ('failed' in first) return { failure: notGradable(first.failed), unreadable: 0 };
  const verdict = read(first.text);
  if ('verdict' in verdict) return { ...verdict, unreadable: 0 };
  const second = await ask(reminder(question, first.text, verdict.unreadable), question.form);
  if ('failed' in second) return { failure: notGradable(second.failed), unreadable: 1 };
  const again = read(second.text);
  if ('verdict' in again) return { ...again, unreadable: 1 };
  return {
    failure: notGradable(`the reply of the judge could not be read twice: ${again.unreadable}`),
    unreadable: 2,
  };
}
