/**
 * Judges answers for one run or job: asks as many questions at once as its settings allow, keeps what was answered, counts
 * what was asked against the budget, and waits for a judge that is down. Whatever fails, no answer is worth 0 for it.
 */
import { createHash } from 'node:crypto';
import { EspalierError, userError } from '../../contract/errors.ts';
import type { ComponentOf } from '../../contract/reward.ts';
import { judgeAnswer, type JudgeReply } from '../../rewards/judge/judge-answer.ts';
import type { JudgeItem, JudgeMessage, JudgementForm } from '../../rewards/judge/judge-messages.ts';
import { checkRubric } from '../../rewards/judge/rubric.ts';
import type { Outcome } from '../../rewards/outcome.ts';
import { askChat, type ChatQuestion, type Dialects } from './ask-chat.ts';
import { baseAddress } from './judge-endpoint.ts';
import { backoff, Outage, type OutageState } from './outage.ts';
import type { RequestFailure, RequestTools, Sent } from './send-request.ts';
import { Slots } from './slots.ts';

type JudgeComponent = ComponentOf<'judge'>;

/** Where judgements are kept: by the hash of the question, as 32 bytes. */
export interface JudgementCache {
  get(hash: Uint8Array): string | undefined;
  put(hash: Uint8Array, reply: string): void;
}

export interface SessionTools extends RequestTools {
  readonly cache: JudgementCache;
  readonly dialects: Dialects;
  /** From 0 to 1. */
  readonly random: () => number;
  /** The key of a name; undefined where there is none. */
  readonly key: (name: string) => string | undefined;
}

export interface JudgeListeners {
  /** Answers judged so far. */
  onProgress?(judged: number): void;
  /** The judge does not answer and is tried again after `wait` milliseconds; null once it answers. */
  onOutage?(state: (OutageState & { readonly address: string }) | null): void;
}

/** What judging took, and how steady the judge was. Sums over the answers of one call. */
export interface JudgeCounts {
  /** Requests that were sent. */
  requests: number;
  /** Questions, and how many of them were answered from what is kept. */
  questions: number;
  cached: number;
  /** Replies that could not be read. */
  unreadable: number;
  /** Answers compared in both orders; of these how many the judge decided by the place, and for which. */
  compared: number;
  alwaysFirst: number;
  alwaysSecond: number;
}

export interface JudgeResult {
  /** In the order of the items. */
  readonly outcomes: readonly Outcome[];
  readonly counts: JudgeCounts;
}

/** State that lasts for the whole session, by the settings of a component. */
interface Judge {
  readonly component: JudgeComponent;
  readonly address: string;
  readonly key: string | undefined;
  readonly slots: Slots;
  readonly outage: Outage;
  /** Questions that are under way, so that equal ones are asked once. */
  readonly underWay: Map<string, Promise<JudgeReply>>;
  requests: number;
  listeners: JudgeListeners;
}

/** Tells a server that works from one that does not, without any answer under judgement. */
const controlQuestion: ChatQuestion = {
  messages: [{ role: 'user', content: 'Reply with the word ready.' }],
  form: null,
  maxTokens: 16,
};

export class JudgeSession {
  readonly #tools: SessionTools;
  readonly #judges = new Map<string, Judge>();

  constructor(tools: SessionTools) {
    this.#tools = tools;
  }

  /**
   * Judges answers; an answer that the judge alone cannot handle is not gradable.
   * @throws EspalierError `judge-refused`, `judge-budget`, `judge-unavailable`, `judge-key`, `judge-endpoint`, `judge-rubric`:
   *   nothing can be judged now; and the reason of `signal` once it is aborted
   */
  async judge(
    component: JudgeComponent,
    items: readonly JudgeItem[],
    signal: AbortSignal,
    listeners: JudgeListeners = {},
  ): Promise<JudgeResult> {
    checkRubric(component);
    const judge = this.#judgeOf(component);
    judge.listeners = listeners;
    const failed = new AbortController();
    const both = AbortSignal.any([signal, failed.signal]);
    const counts: JudgeCounts = {
      requests: 0,
      questions: 0,
      cached: 0,
      unreadable: 0,
      compared: 0,
      alwaysFirst: 0,
      alwaysSecond: 0,
    };
    const before = judge.requests;
    const outcomes: Outcome[] = Array.from(items, () => ({ value: null, reason: 'not asked' }));
    let next = 0;
    let judged = 0;
    let first = null as { readonly error: unknown } | null;
    const work = async (): Promise<void> => {
      for (let place = next++; place < items.length; place = next++) {
        both.throwIfAborted();
        const judgement = await judgeAnswer(component, items[place]!, (messages, form) =>
          this.#ask(judge, messages, form, both, counts),
        );
        outcomes[place] = judgement.outcome;
        counts.unreadable += judgement.unreadable;
        if (judgement.preferences !== null) {
          const [shownFirst, shownSecond] = judgement.preferences;
          counts.compared++;
          if (shownFirst === 'first' && shownSecond === 'first') counts.alwaysFirst++;
          if (shownFirst === 'second' && shownSecond === 'second') counts.alwaysSecond++;
        }
        listeners.onProgress?.(++judged);
      }
    };
    const workers = Array.from({ length: Math.min(component.concurrency, items.length) }, () =>
      work().catch((error: unknown) => {
        first ??= { error };
        next = items.length;
        // What is under way was paid for and is kept when the budget ends; any other error ends it, and its echoes are not told.
        if (!(error instanceof EspalierError && error.code === 'judge-budget')) failed.abort(error);
      }),
    );
    await Promise.all(workers);
    signal.throwIfAborted();
    if (first !== null) throw first.error;
    counts.requests = judge.requests - before;
    return { outcomes, counts };
  }

  #judgeOf(component: JudgeComponent): Judge {
    const name = JSON.stringify(component);
    const known = this.#judges.get(name);
    if (known !== undefined) return known;
    const { clock, random } = this.#tools;
    const address = baseAddress(component.endpoint);
    const key = component.key === undefined ? undefined : this.#tools.key(component.key);
    if (component.key !== undefined && key === undefined) throw missingKey(component.key);
    const judge: Judge = {
      component,
      address,
      key,
      slots: new Slots(component.concurrency),
      outage: new Outage({
        address,
        limit: component.outage * 60_000,
        clock,
        random,
        onChange: (state) => judge.listeners.onOutage?.(state === null ? null : { ...state, address }),
      }),
      underWay: new Map(),
      requests: 0,
      listeners: {},
    };
    this.#judges.set(name, judge);
    return judge;
  }

  async #ask(
    judge: Judge,
    messages: readonly JudgeMessage[],
    form: JudgementForm,
    signal: AbortSignal,
    counts: JudgeCounts,
  ): Promise<JudgeReply> {
    counts.questions++;
    const hash = questionHash(judge, messages);
    const kept = this.#tools.cache.get(hash);
    if (kept !== undefined) {
      counts.cached++;
      return { text: kept };
    }
    const name = Buffer.from(hash).toString('hex');
    const asked = judge.underWay.get(name);
    if (asked !== undefined) {
      counts.cached++;
      return asked;
    }
    const reply = this.#askUntilSettled(
      judge,
      { messages, form, maxTokens: judge.component.maxTokens },
      signal,
    ).then((settled) => {
      // A reply without a word may be an accident; it is not kept.
      if ('text' in settled && settled.text.trim() !== '') this.#tools.cache.put(hash, settled.text);
      return settled;
    });
    judge.underWay.set(name, reply);
    try {
      return await reply;
    } finally {
      judge.underWay.delete(name);
    }
  }

  async #askUntilSettled(judge: Judge, question: ChatQuestion, signal: AbortSignal): Promise<JudgeReply> {
    const { clock, random } = this.#tools;
    const { component, outage } = judge;
    let tries = 0;
    /** Whether the judge answered something else since this question failed for the last allowed time. */
    let works = false;
    for (;;) {
      const sent = await this.#send(judge, question, signal);
      if ('value' in sent) return { text: sent.value };
      const { failure } = sent;
      if (failure.scope === 'final') throw refused(judge, failure);
      if (failure.scope === 'down') {
        works = false;
        await outage.wait(failure, sent.round, signal);
        continue;
      }
      if (failure.scope === 'passing' && tries++ < component.retries) {
        await clock.sleep(Math.max(failure.retryAfter ?? 0, backoff(tries, random)), signal);
        continue;
      }
      // Is it this answer alone? A question without it says so. A judge that was down and has just come back would answer
      // this one too: it gets one more try.
      const unable = { failed: `the judge cannot judge this answer: ${failure.reason}` };
      if (works) return unable;
      works = await this.#answersControl(judge, signal);
      if (works && failure.scope === 'answer') return unable;
      if (!works) tries = 0;
    }
  }

  /** Whether the judge answers a question that has nothing to do with answers under judgement; waits where it does not. */
  async #answersControl(judge: Judge, signal: AbortSignal): Promise<boolean> {
    const sent = await this.#send(judge, controlQuestion, signal);
    if ('value' in sent) return true;
    const { failure, round } = sent;
    if (failure.scope === 'final' || failure.scope === 'answer') throw refused(judge, failure);
    await judge.outage.wait(failure, round, signal);
    return false;
  }

  async #send(
    judge: Judge,
    question: ChatQuestion,
    signal: AbortSignal,
  ): Promise<Sent<string> & { readonly round: number }> {
    const sent = await judge.slots.use(async () => {
      await judge.outage.settled();
      signal.throwIfAborted();
      const { component, key } = judge;
      const { round } = judge.outage;
      const given = await askChat(component, question, { ...this.#tools, key }, signal, () => spend(judge));
      return { ...given, round };
    });
    if ('value' in sent) {
      judge.outage.end();
    } else if (sent.failure.unsent === true) judge.requests--;
    return sent;
  }
}

function spend(judge: Judge): void {
  const { maxRequests } = judge.component;
  if (maxRequests !== undefined && judge.requests >= maxRequests) {
    throw userError(
      'judge-budget',
      `${maxRequests} requests were made to the judge at ${judge.address}: the budget for it is used up.`,
      {
        where: 'reward, judge, maxRequests',
        advice: `Continue the run to allow another ${maxRequests} requests; judgements that were given are kept and cost nothing again.`,
      },
    );
  }
  judge.requests++;
}

function refused(judge: Judge, { reason, advice, status }: RequestFailure): EspalierError {
  return userError('judge-refused', `The judge at ${judge.address} cannot be used: ${reason}.`, {
    where: `reward, judge "${judge.component.model}"${status === 404 ? ', endpoint or model' : ''}`,
    advice: `${advice ?? 'Check address, model and settings of the judge.'} Then continue the run: it goes on where it stopped.`,
  });
}

/** The error for a key that is named and not there. */
export function missingKey(name: string): EspalierError {
  return userError('judge-key', `There is no key "${name}" on this computer.`, {
    where: 'reward, judge, key',
    advice: `Keep it under this name with "New key" at the judge in the window or with "espalier judge set-key ${name}", or set the environment variable ${keyVariable(name)}.`,
  });
}

/** The environment variable that may hold the key of a name. */
export function keyVariable(name: string): string {
  return `ESPALIER_KEY_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
}

/** Two questions with the same hash get the same reply: server, model, settings and every word are in it; the key is not. */
function questionHash({ component, address }: Judge, messages: readonly JudgeMessage[]): Uint8Array {
  const { model, temperature, maxTokens, structured } = component;
  return createHash('sha256')
    .update(JSON.stringify([1, address, model, temperature, maxTokens, structured, messages]))
    .digest();
}
