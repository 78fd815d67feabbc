/** How far a judge agrees with people who compared pairs of answers: asked, counted and told. */
import { agreement, type AgreementReport, type PairVerdict } from '../../analysis/agreement.ts';
import type { ComponentOf } from '../../contract/reward.ts';
import { userError } from '../../contract/errors.ts';
import { columnNames, columnText, columnValue, describeColumns } from '../../datasets/column-path.ts';
import { fillTemplate, parseTemplate } from '../../datasets/map-rows.ts';
import type { Row } from '../../datasets/row.ts';
import type { JudgeItem } from '../../rewards/judge/judge-messages.ts';
import type { JudgeCounts, JudgeListeners, JudgeSession } from '../judge/judge-session.ts';

export interface PairColumns {
  /** Template of the question. */
  readonly prompt: string;
  readonly first: string;
  readonly second: string;
  /** Column with what people said: first, second or equal, in one of the usual words. */
  readonly against: string;
}

export interface JudgeAgreement extends AgreementReport {
  /** Pairs that people did not decide, and that the judge could not judge; neither counts. */
  readonly undecided: number;
  readonly notGradable: number;
  readonly counts: JudgeCounts;
}

const words: ReadonlyMap<string, PairVerdict> = new Map([
  ...['first', 'a', '1', 'answer_a', 'response_a', 'model_a'].map((word) => [word, 'first'] as const),
  ...['second', 'b', '2', 'answer_b', 'response_b', 'model_b'].map((word) => [word, 'second'] as const),
  ...['equal', 'tie', 'draw', 'both', '0', 'c'].map((word) => [word, 'equal'] as const),
]);

/**
 * Asks the judge about every pair that people decided. A judge that marks single answers prefers the one with the higher
 * mark; one that compares sees both in both orders.
 * @throws user error `agreement-column`, `agreement-label` with the number of the row; errors of the session
 */
export async function measureAgreement(
  component: ComponentOf<'judge'>,
  rows: readonly Row[],
  columns: PairColumns,
  session: JudgeSession,
  signal: AbortSignal,
  listeners: JudgeListeners = {},
): Promise<JudgeAgreement> {
  const pairs = rows.flatMap((row, index) => readPair(row, index, columns));
  const items = component.mode === 'compare' ? pairs.map(comparison) : pairs.flatMap(singles);
  const { outcomes, counts } = await session.judge(component, items, signal, listeners);
  const people: PairVerdict[] = [];
  const judge: PairVerdict[] = [];
  for (const [place, { said }] of pairs.entries()) {
    const difference =
      component.mode === 'compare'
        ? minus(outcomes[place]!.value, 0.5)
        : minus(outcomes[2 * place]!.value, outcomes[2 * place + 1]!.value);
    if (difference === null) continue;
    people.push(said);
    judge.push(difference > 0 ? 'first' : difference < 0 ? 'second' : 'equal');
  }
  return {
    ...agreement(people, judge),
    undecided: rows.length - pairs.length,
    notGradable: pairs.length - people.length,
    counts,
  };
}

interface Pair {
  readonly row: Row;
  readonly prompt: string;
  readonly first: string;
  readonly second: string;
  readonly said: PairVerdict;
}

const comparison = ({ row, prompt, first, second }: Pair): JudgeItem => ({
  row,
  prompt,
  response: first,
  reference: second,
});

function singles({ row, prompt, first, second }: Pair): JudgeItem[] {
  const reference = columnText(row, 'answer');
  return [first, second].map((response) => ({ row, prompt, response, reference }));
}

function minus(first: number | null, second: number | null): number | null {
  return first === null || second === null ? null : first - second;
}

function readPair(row: Row, index: number, { prompt, first, second, against }: PairColumns): Pair[] {
  const where = `row ${index + 1}`;
  for (const column of [first, second, against]) {
    if (columnValue(row, column) === undefined)
      throw userError('agreement-column', `The row has no column "${column}".`, {
        where,
        advice: describeColumns(column, columnNames([row])),
      });
  }
  const label = columnText(row, against).trim().toLowerCase();
  // People who did not agree among themselves say nothing that a judge could agree with.
  if (label === '') return [];
  const said = words.get(label);
  if (said === undefined) {
    throw userError('agreement-label', `"${label}" does not say which answer is better.`, {
      where: `${where}, column ${against}`,
      advice:
        'It must be first, second or equal; a, b or tie; 1, 2 or 0; or empty where people did not decide.',
    });
  }
  return [
    {
      row,
      prompt: fillTemplate(parseTemplate(prompt, '--prompt'), row),
      first: columnText(row, first),
      second: columnText(row, second),
      said,
    },
  ];
}
