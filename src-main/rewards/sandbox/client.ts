/**
 * A sandbox process in the hands of its owner: started when first needed, ended when it is silent for too long or breaks,
 * started again for the next answer. Whoever was being graded when it ended is not gradable; the others are graded.
 */
import { EspalierError, userError } from '../../contract/errors.ts';
import type { ComponentOf, RewardComponent } from '../../contract/reward.ts';
import type { Outcome, RewardItem } from '../outcome.ts';
import { notGradable } from '../outcome.ts';
import type { SandboxChild, SpawnSandbox } from './child.ts';
import type { SandboxComponent } from './prepared.ts';
import type { SandboxReply, SandboxRequest } from './protocol.ts';
import { sandboxReplySchema } from './protocol.ts';
import { longestSilence } from './serve.ts';

export interface SandboxTimes {
  /** How long starting the process and getting a component ready may take, milliseconds. */
  readonly start: number;
  /** How long the process may be silent beyond the limit of an answer, milliseconds. */
  readonly grace: number;
}

export const usualSandboxTimes: SandboxTimes = { start: 30_000, grace: 3000 };

/** Answers in one message, and how many answers of one call may end the process before it is given up. */
const batch = 128;
const mostEnds = 20;

/** An outcome with what the code printed for this answer. */
export type TriedOutcome = Outcome & { readonly lines: readonly string[] };

/** The process ended in the middle of a request. */
class SandboxEnded extends Error {
  readonly overran: boolean;

  constructor(overran: boolean, words: string) {
    super(words);
    this.overran = overran;
  }
}

interface Running {
  readonly child: SandboxChild;
  /** Keys of the components that are ready in this process. */
  readonly ready: Set<number>;
  settle: ((reply: SandboxReply | SandboxEnded) => void) | null;
}

export class SandboxClient {
  readonly #spawn: SpawnSandbox;
  readonly #times: SandboxTimes;
  readonly #seed: number;
  readonly #keys = new Map<string, number>();
  #running: Running | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #requests = 0;
  #closed = false;

  /** @param seed seed of the run, for functions that draw random numbers */
  constructor(spawn: SpawnSandbox, seed: number, times: SandboxTimes = usualSandboxTimes) {
    this.#spawn = spawn;
    this.#seed = seed;
    this.#times = times;
  }

  /**
   * Makes a component ready, so that errors in it are found before anything is graded.
   * @param where place of the component in the configuration, for errors
   * @throws EspalierError `reward-invalid`; `sandbox-failed`
   */
  prepare(component: SandboxComponent, where: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.#prepare(component, where);
    });
  }

  /** Grades answers; one outcome for each, in their order. @throws as `prepare` */
  grade(component: SandboxComponent, items: readonly RewardItem[]): Promise<TriedOutcome[]> {
    return this.#inTurn(() => this.#grade(component, items));
  }

  /** Ends the process. */
  close(): void {
    this.#closed = true;
    this.#end();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #prepare(component: SandboxComponent, where: string): Promise<number> {
    const text = JSON.stringify(component);
    const key = this.#keys.get(text) ?? this.#keys.size;
    this.#keys.set(text, key);
    for (let attempt = 1; ; attempt++) {
      const running = this.#start();
      if (running.ready.has(key)) return key;
      try {
        await this.#makeReady(running, key, component, where);
        running.ready.add(key);
        return key;
      } catch (error) {
        if (!(error instanceof SandboxEnded)) throw error;
        if (this.#closed) throw closed();
        if (error.overran) {
          throw userError('reward-invalid', 'Getting the component ready took too long.', {
            where,
            advice: 'Make it simpler.',
          });
        }
        // Once more: the process may have ended before it was asked.
        if (attempt < 2) continue;
        throw new EspalierError(
          'environment',
          'sandbox-failed',
          `The process that runs patterns, schemas and code ended by itself. ${error.message}`.trim(),
          { where, advice: '"espalier doctor" tells what this computer can run.' },
        );
      }
    }
  }

  async #makeReady(running: Running, key: number, component: SandboxComponent, where: string): Promise<void> {
    const request = { type: 'prepare', id: 0, key, component, seed: this.#seed } as const;
    const reply = await this.#request(running, request, this.#times.start);
    if (reply.type !== 'prepared') throw unexpected(reply);
    if (reply.problem !== null) {
      const { message, where: place, advice } = reply.problem;
      throw userError('reward-invalid', message, {
        where: `${where}.${place}`,
        ...(advice === '' ? {} : { advice }),
      });
    }
  }

  async #grade(component: SandboxComponent, items: readonly RewardItem[]): Promise<TriedOutcome[]> {
    const patience = longestSilence + 4 * answerMilliseconds(component) + this.#times.grace;
    const outcomes: TriedOutcome[] = [];
    /** Answers up to here are sent one by one, because one of them ended the process. */
    let aloneUntil = 0;
    let ends = 0;
    while (outcomes.length < items.length) {
      if (this.#closed) throw closed();
      const key = await this.#prepare(component, component.kind);
      const running = this.#start();
      const first = outcomes.length;
      const size = first < aloneUntil ? 1 : batch;
      const sent = items.slice(first, first + size);
      try {
        const reply = await this.#request(
          running,
          { type: 'grade', id: 0, key, items: sent.map(wireItem) },
          patience,
        );
        if (reply.type !== 'graded' || reply.outcomes.length === 0 || reply.outcomes.length > sent.length) {
          throw unexpected(reply);
        }
        outcomes.push(...reply.outcomes);
      } catch (error) {
        if (!(error instanceof SandboxEnded)) throw error;
        if (this.#closed) throw closed();
        // Who of them was it? And one alone is asked once more, if the process may have ended before it was asked.
        if (sent.length > 1 || (aloneUntil <= first && !error.overran)) {
          aloneUntil = first + sent.length;
          continue;
        }
        ends += 1;
        outcomes.push({ ...endedOutcome(component, error.overran), lines: [] });
        if (ends < mostEnds) continue;
        const rest = notGradable(`not tried: ${mostEnds} answers before it ended the sandbox`);
        while (outcomes.length < items.length) outcomes.push({ ...rest, lines: [] });
      }
    }
    return outcomes;
  }

  #start(): Running {
    if (this.#closed) throw closed();
    if (this.#running !== null) return this.#running;
    const child = this.#spawn();
    const running: Running = { child, ready: new Set(), settle: null };
    this.#running = running;
    child.onMessage((message) => {
      const parsed = sandboxReplySchema.safeParse(message);
      if (parsed.success) running.settle?.(parsed.data);
      // It says what it should not: whatever runs there is not to be trusted any more.
      else child.kill();
    });
    child.onExit((words) => {
      if (this.#running === running) this.#running = null;
      running.settle?.(new SandboxEnded(false, words));
    });
    return running;
  }

  #end(): void {
    const running = this.#running;
    this.#running = null;
    running?.child.kill();
  }

  /** Sends a request and waits for its reply. @throws SandboxEnded when the process ends, or is ended for its silence */
  async #request(running: Running, request: SandboxRequest, patience: number): Promise<SandboxReply> {
    const id = (this.#requests += 1);
    const { promise, resolve } = Promise.withResolvers<SandboxReply | SandboxEnded>();
    const timer = setTimeout(() => {
      resolve(new SandboxEnded(true, ''));
      if (this.#running === running) this.#end();
    }, patience);
    running.settle = resolve;
    running.child.send({ ...request, id });
    const reply = await promise;
    clearTimeout(timer);
    running.settle = null;
    if (reply instanceof SandboxEnded) throw reply;
    if (reply.id !== id || reply.type === 'failed') throw unexpected(reply);
    return reply;
  }
}

function closed(): EspalierError {
  return new EspalierError('cancelled', 'sandbox-closed', 'Grading was stopped.');
}

function unexpected(reply: SandboxReply): EspalierError {
  const words = reply.type === 'failed' ? reply.message : `an unexpected reply of type ${reply.type}`;
  return new EspalierError('bug', 'internal', `internal: sandbox: ${words}`);
}

/** The longest time that a component gives an answer, milliseconds. */
function answerMilliseconds(component: RewardComponent): number {
  switch (component.kind) {
    case 'code':
      return component.timeout * 1000;
    case 'function':
      return component.timeout;
    default:
      return 500;
  }
}

function endedOutcome(component: SandboxComponent, overran: boolean): Outcome {
  if (!overran) return notGradable('the sandbox ended by itself while it graded this answer');
  // An answer whose program cannot even be interrupted is as wrong as one that can.
  if (isCode(component))
    return { value: 0, reason: `the code took too long (more than ${component.timeout} s)` };
  return notGradable('grading this answer took too long and could not be interrupted');
}

function isCode(component: SandboxComponent): component is ComponentOf<'code'> {
  return component.kind === 'code';
}

function wireItem(item: RewardItem) {
  const { prompt, response, reference, row, finish, tokens, maxTokens } = item;
  return { prompt, response, reference, row: { ...row }, finish, tokens, maxTokens };
}
