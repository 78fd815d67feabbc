/** Rubrics that ship: every JSON file of a folder, and `builtin:NAME` in a reward that stands for one. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { userError } from '../../contract/errors.ts';
import { rubricFileSchema, type RubricCard } from '../../contract/judge.ts';
import { nearestName } from '../../contract/nearest-name.ts';
import type { RewardConfig } from '../../contract/reward.ts';
import type { JudgeDraft } from '../../contract/reward-components.ts';

const prefix = 'builtin:';

/** The rubrics of a folder, in the order of their names. A broken one is an error: they ship. */
export function listRubrics(directory: string): RubricCard[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const document: unknown = JSON.parse(readFileSync(join(directory, name), 'utf8'));
      return { id: name.slice(0, -'.json'.length), ...rubricFileSchema.parse(document) };
    });
}

/**
 * The reward with the words of the rubrics in it, as they are kept with a run.
 * @throws user error `judge-rubric-unknown`; `judge-rubric-mode` where the rubric is for the other way of judging
 */
export function withRubrics<R extends RewardConfig | undefined>(reward: R, directory: string): R {
  if (reward === undefined) return reward;
  const components = reward.components.map((component, place) =>
    component.kind === 'judge'
      ? withRubric(component, directory, `reward.components[${place}].rubric`)
      : component,
  );
  return { ...reward, components };
}

/** One judge with the words of its rubric in it, where it has one; errors as for a reward. */
export function withRubric<J extends JudgeDraft>(component: J, directory: string, where: string): J {
  if (component.rubric?.startsWith(prefix) !== true) return component;
  const card = findRubric(component.rubric.slice(prefix.length), listRubrics(directory), where);
  if (card.mode !== component.mode) {
    throw userError(
      'judge-rubric-mode',
      `The rubric "${card.id}" is for the mode "${card.mode}", and this judge has "${component.mode}".`,
      { where, advice: `Set "mode": "${card.mode}" beside it, or choose another rubric.` },
    );
  }
  return { ...component, rubric: card.rubric };
}

function findRubric(name: string, cards: readonly RubricCard[], where: string): RubricCard {
  const found = cards.find(({ id }) => id === name);
  if (found !== undefined) return found;
  const names = cards.map(({ id }) => id);
  const near = nearestName(name, names);
  throw userError('judge-rubric-unknown', `No rubric "${name}" ships with Espalier.`, {
    where,
    advice: `${near === undefined ? '' : `Did you mean builtin:${near}? `}There is: ${names.map((each) => prefix + each).join(', ')}. Or write your own words.`,
  });
}
