/** The form in which hosts answer a call to a window: the value, or the error in a shape that crosses processes. */
import { toErrorShape } from '../contract/errors.ts';
import type { ErrorShape } from '../contract/events.ts';
import type { Services } from './services.ts';

export type CallEnvelope =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: ErrorShape };

/** Does a call whose name and input came from outside; never rejects. */
export async function answerCall(
  services: Pick<Services, 'callByName'>,
  name: string,
  input: unknown,
): Promise<CallEnvelope> {
  try {
    return { ok: true, value: await services.callByName(name, input) };
  } catch (error) {
    return { ok: false, error: toErrorShape(error) };
  }
}
