/** Calls a user's reward function and reads what it says. Runs in a world that the function cannot reach. */
import type { Outcome } from '../../outcome.ts';
import { notGradable } from '../../outcome.ts';
import { describeThrown } from './thrown.ts';
import type { Settled } from './user-realm.ts';

/** What the user's world offers (user-realm.ts). */
export interface UserRealm {
  begin(seed: string): void;
  read(text: string): unknown;
  follow(promise: unknown): Settled;
}

/** Name under which users' functions appear in errors. */
export const functionFile = 'reward.js';
const longestReason = 500;

let waiting: Settled | undefined;

/** Reads the returned value; own data only, so nothing that it holds can run. */
function outcomeOf(returned: unknown): Outcome {
  if (returned === null) return notGradable('the function returned null');
  if (returned === undefined) return notGradable('the function returned nothing: does a path lack "return"?');
  if (typeof returned === 'number') return valueOf(returned, '');
  if (typeof returned === 'boolean') return valueOf(returned ? 1 : 0, '');
  if (typeof returned !== 'object')
    return notGradable(`the function returned a ${typeof returned}, not a number`);
  const value = Object.getOwnPropertyDescriptor(returned, 'value')?.value as unknown;
  const given = Object.getOwnPropertyDescriptor(returned, 'reason')?.value as unknown;
  const reason = typeof given === 'string' ? given.slice(0, longestReason) : '';
  if (value === null) return notGradable(reason === '' ? 'the function returned null' : reason);
  if (typeof value === 'boolean') return valueOf(value ? 1 : 0, reason);
  if (typeof value === 'number') return valueOf(value, reason);
  return notGradable('the function returned an object without a number named "value"');
}

function valueOf(value: number, reason: string): Outcome {
  if (!Number.isFinite(value)) return notGradable(`the function returned ${String(value)}`);
  return { value, reason: reason === '' ? 'own function' : reason };
}

/** The outcome as JSON, or empty while the function waits for a promise. */
export function callReward(
  reward: (item: unknown) => unknown,
  realm: UserRealm,
  item: string,
  seed: string,
): string {
  realm.begin(`${seed}\n${item}`);
  try {
    const returned = reward(realm.read(item));
    if (typeof returned === 'object' && returned !== null && 'then' in returned) {
      waiting = realm.follow(returned);
      return '';
    }
    return JSON.stringify(outcomeOf(returned));
  } catch (error) {
    return JSON.stringify(notGradable(describeThrown(error, functionFile)));
  }
}

/** The outcome once all promises have been served. */
export function settledReward(): string {
  const settled = waiting ?? {};
  if ('thrown' in settled) return JSON.stringify(notGradable(describeThrown(settled.thrown, functionFile)));
  if ('value' in settled) return JSON.stringify(outcomeOf(settled.value));
  return JSON.stringify(notGradable('the function waits for a promise that nothing settles'));
}
