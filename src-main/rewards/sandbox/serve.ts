/** The work of the sandbox process, without the process: requests in, replies out, one after the other. */
import { prepareComponent } from './prepare-component.ts';
import type { PreparedComponent } from './prepared.ts';
import type { SandboxReply, SandboxRequest } from './protocol.ts';
import { sandboxRequestSchema } from './protocol.ts';

/** After this long a reply is sent with what is graded so far, milliseconds. */
export const longestSilence = 500;

export interface SandboxServer {
  /** Answers one message; never rejects. */
  receive(message: unknown): Promise<void>;
}

/** @param now a clock in milliseconds, by which the time limits of answers are measured */
export function serveSandbox(send: (reply: SandboxReply) => void, now: () => number): SandboxServer {
  const ready = new Map<number, PreparedComponent>();
  let last: Promise<void> = Promise.resolve();

  async function work(request: SandboxRequest): Promise<void> {
    const { id, key } = request;
    if (request.type === 'prepare') {
      const { component, seed } = request;
      if (component.kind === 'reward-model' || component.kind === 'judge') {
        throw new Error(`the sandbox does not grade by ${component.kind}`);
      }
      const preparation = await prepareComponent(component, { seed, now });
      if (preparation.ok) ready.set(key, preparation.prepared);
      send({ type: 'prepared', id, problem: preparation.ok ? null : preparation.problem });
      return;
    }
    const component = ready.get(key);
    if (component === undefined) throw new Error('the component was not prepared');
    const begun = now();
    const outcomes: Extract<SandboxReply, { type: 'graded' }>['outcomes'] = [];
    for (const item of request.items) {
      const { outcome, lines } = await component.grade(item);
      outcomes.push({ value: outcome.value, reason: outcome.reason.slice(0, 1000), lines: [...lines] });
      if (now() - begun > longestSilence) break;
    }
    send({ type: 'graded', id, outcomes });
  }

  return {
    receive(message) {
      last = last.then(async () => {
        const parsed = sandboxRequestSchema.safeParse(message);
        try {
          if (!parsed.success) throw new Error(`unknown message: ${parsed.error.message}`);
          await work(parsed.data);
        } catch (error) {
          const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
          send({ type: 'failed', id: idOf(message), message: words.slice(0, 5000) });
        }
      });
      return last;
    },
  };
}

function idOf(message: unknown): number {
  const id = typeof message === 'object' && message !== null && 'id' in message ? message.id : 0;
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id : 0;
}
