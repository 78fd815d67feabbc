/** Bundle that grades by a user's regular expression; it runs in the sandbox's own engine, which can be interrupted. */
import type { ComponentOf } from '../../../contract/reward.ts';
import type { Outcome } from '../../outcome.ts';
import { notGradable, right, wrong } from '../../outcome.ts';

type Settings = Pick<ComponentOf<'regex'>, 'pattern' | 'flags' | 'need' | 'capture'>;

let settings: Settings = { pattern: '', flags: '', need: 'found', capture: false };
let expression = /(?:)/;

/** Compiles the pattern. A problem as JSON, or empty. */
export function prepare(component: string): string {
  settings = JSON.parse(component) as Settings;
  const { pattern, flags, need, capture } = settings;
  try {
    // Alone first: with brackets around it, `a)|(b` would become valid.
    expression = new RegExp(pattern, flags);
    // Independent of the flag m, unlike ^ and $.
    if (need === 'whole') expression = new RegExp(`(?<![\\s\\S])(?:${pattern})(?![\\s\\S])`, flags);
    if (!capture) return '';
    const groups = (new RegExp(`${pattern}|`, flags).exec('')?.length ?? 1) - 1;
    if (groups > 0) return '';
    return problem(
      'There is no group whose text could be compared.',
      'Put brackets around the part to compare: answer: (\\d+)',
    );
  } catch (error) {
    return problem(
      `The pattern cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
      'Brackets and other signs that stand for themselves need a backslash before them: \\(',
    );
  }
}

function problem(message: string, advice: string): string {
  return JSON.stringify({ message, advice });
}

const clip = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

function outcome(response: string, reference: string): Outcome {
  const { need, capture } = settings;
  const wanted = reference.trim();
  if (capture && wanted === '') return notGradable('the row has no right answer');
  const match = expression.exec(response);
  if (need === 'absent')
    return match === null ? right('the pattern does not occur') : wrong(`found “${clip(match[0])}”`);
  if (match === null)
    return wrong(need === 'whole' ? 'the answer as a whole does not match' : 'the pattern does not occur');
  if (!capture) return right(need === 'whole' ? 'matches' : 'the pattern occurs');
  const group = match[1];
  if (group === undefined) return wrong('the group matched nothing');
  return group.trim() === wanted
    ? right('the group is the right answer')
    : wrong(`the group is “${clip(group.trim())}”`);
}

/** Grades an answer, given as JSON {response, reference}; the outcome as JSON. */
export function grade(item: string): string {
  const { response, reference } = JSON.parse(item) as { response: string; reference: string };
  return JSON.stringify(outcome(response, reference));
}
