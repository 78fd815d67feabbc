/** The graders of the kinds that run in the sandbox, as a reward wants them. */
import type { RewardConfig } from '../../contract/reward.ts';
import type { ExternalGraders } from '../grader.ts';
import type { SandboxClient } from './client.ts';

/** Kinds of components that never run outside of the sandbox. */
export type SandboxKind = 'regex' | 'json-schema' | 'code' | 'function';
export type SandboxGraders = Pick<ExternalGraders, SandboxKind>;

/** Whether a component of this kind runs in the sandbox. */
export function isSandboxKind(kind: string): kind is SandboxKind {
  return kind === 'regex' || kind === 'json-schema' || kind === 'code' || kind === 'function';
}

/** @param onPrinted told the lines that a user's function printed while it graded */
export function sandboxGraders(
  client: SandboxClient,
  onPrinted: (lines: readonly string[]) => void = () => undefined,
): SandboxGraders {
  return {
    regex: (component, items) => client.grade(component, items),
    'json-schema': (component, items) => client.grade(component, items),
    code: (component, items) => client.grade(component, items),
    async function(component, items) {
      const outcomes = await client.grade(component, items);
      onPrinted(outcomes.flatMap(({ lines }) => lines));
      return outcomes;
    },
  };
}

/**
 * Makes the parts of a reward ready that run in the sandbox.
 * @throws user error `reward-invalid` for a pattern, schema or function that cannot work, with its place
 */
export async function checkSandboxed(reward: RewardConfig, client: SandboxClient): Promise<void> {
  for (const [place, component] of reward.components.entries()) {
    if (component.kind === 'reward-model' || component.kind === 'judge') continue;
    if (isSandboxKind(component.kind)) await client.prepare(component, `reward.components.${place}`);
  }
}
