/** The reward `instructions`: how many checkable instructions the answer follows, from the settings and from its row. */
import type { ComponentOf } from '../contract/reward.ts';
import { columnValue } from '../datasets/column-path.ts';
import type { Json } from '../datasets/row.ts';
import { isObject } from '../datasets/row.ts';
import { ArgumentMissing, instructionChecks } from './instruction-checks.ts';
import type { InstructionArguments } from './instruction-checks.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { notGradable, wrong } from './outcome.ts';

interface Wanted {
  readonly id: string;
  readonly given: InstructionArguments;
}

/** A list that may stand in its column as JSON text. */
function listOf(value: Json | undefined): readonly Json[] | null {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'string' || !value.trimStart().startsWith('[')) return null;
  try {
    const parsed = JSON.parse(value) as Json;
    return Array.isArray(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** The instructions of the row; a reason where the columns do not hold them. */
function rowInstructions(
  row: RewardItem['row'],
  idsColumn: string,
  argumentsColumn: string | undefined,
): Wanted[] | string {
  const ids = listOf(columnValue(row, idsColumn));
  if (ids === null) return `column “${idsColumn}” holds no list of instructions`;
  const given = argumentsColumn === undefined ? [] : listOf(columnValue(row, argumentsColumn));
  if (given === null) return `column “${argumentsColumn ?? ''}” holds no list of arguments`;
  const wanted: Wanted[] = [];
  for (const [place, id] of ids.entries()) {
    if (typeof id !== 'string') return `column “${idsColumn}” holds something else than ids`;
    const own = given[place];
    wanted.push({ id, given: isObject(own) ? own : {} });
  }
  return wanted;
}

function isKnown(id: string): id is keyof typeof instructionChecks {
  return Object.hasOwn(instructionChecks, id);
}

const nameOf = (id: string): string => id.slice(id.indexOf(':') + 1).replaceAll('_', ' ');

/**
 * The share of instructions that are followed, or 1 only when all are. An empty answer follows none. Not gradable when
 * there are no instructions, one is not known, or an argument is missing.
 */
export function scoreInstructions(
  { response, row }: Pick<RewardItem, 'response' | 'row'>,
  component: ComponentOf<'instructions'>,
): Outcome {
  const wanted: Wanted[] = component.instructions.map((one) => ({ id: one.id, given: one.arguments }));
  if (component.idsColumn !== undefined) {
    const more = rowInstructions(row, component.idsColumn, component.argumentsColumn);
    if (typeof more === 'string') return notGradable(more);
    wanted.push(...more);
  }
  if (wanted.length === 0) return notGradable('there are no instructions');
  const missed: string[] = [];
  const empty = response.trim() === '';
  for (const { id, given } of wanted) {
    if (!isKnown(id)) return notGradable(`the instruction “${id}” is not known`);
    try {
      if (!instructionChecks[id](response, given) || empty) missed.push(nameOf(id));
    } catch (error) {
      if (error instanceof ArgumentMissing) return notGradable(`${id}: ${error.message}`);
      throw error;
    }
  }
  if (empty) return wrong('empty answer');
  const followed = wanted.length - missed.length;
  if (missed.length === 0)
    return { value: 1, reason: wanted.length === 1 ? 'followed' : `all ${wanted.length} followed` };
  return {
    value: component.need === 'all' ? 0 : followed / wanted.length,
    reason: `${followed} of ${wanted.length} followed, not: ${missed.join(', ')}`,
  };
}
