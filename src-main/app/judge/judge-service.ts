/** Judges as a host offers them: sessions for runs and jobs, and a look at a judge before it is needed. */
import { z } from 'zod';
import { toErrorShape } from '../../contract/errors.ts';
import type { JudgeCheck } from '../../contract/judge.ts';
import type { JudgeDraft } from '../../contract/reward-components.ts';
import { checkRubric } from '../../rewards/judge/rubric.ts';
import { Dialects } from './ask-chat.ts';
import { realClock } from './judge-clock.ts';
import { baseAddress, isOpenToOthers, isThisComputer } from './judge-endpoint.ts';
import { JudgeSession, missingKey, type SessionTools } from './judge-session.ts';
import type { KeyStore } from './key-store.ts';
import { sendRequest } from './send-request.ts';

export interface JudgeServiceOptions extends Pick<SessionTools, 'cache'> {
  readonly keys: Pick<KeyStore, 'get'>;
  readonly fetch?: SessionTools['fetch'];
  readonly clock?: SessionTools['clock'];
  readonly random?: SessionTools['random'];
}

/** Milliseconds that a look at a judge may take. */
const checkTimeout = 5_000;

const modelsSchema = z.object({ data: z.array(z.looseObject({ id: z.string() })) });

type Problem = JudgeCheck['problems'][number];

export class JudgeService {
  readonly #tools: SessionTools;

  constructor(options: JudgeServiceOptions) {
    this.#tools = {
      fetch: options.fetch ?? fetch,
      clock: options.clock ?? realClock,
      random: options.random ?? Math.random,
      cache: options.cache,
      dialects: new Dialects(),
      key: (name) => options.keys.get(name),
    };
  }

  /** A session for one run or job: its budget begins at 0. */
  session(): JudgeSession {
    return new JudgeSession(this.#tools);
  }

  /**
   * Whether a judge could be used now. Never throws for what is wrong with it: that is listed. What is still open of it,
   * its model or its rubric, is not looked at.
   */
  async check(
    component: JudgeDraft,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<JudgeCheck> {
    const problems: Problem[] = [];
    const { endpoint, model, rubric, mode } = component;
    try {
      if (rubric !== undefined) checkRubric({ rubric, mode });
      const address = baseAddress(endpoint);
      const key = component.key === undefined ? undefined : this.#tools.key(component.key);
      if (component.key !== undefined && key === undefined) throw missingKey(component.key);
      if (key !== undefined && isOpenToOthers(endpoint)) {
        problems.push(
          warning(
            'judge-key-open',
            `The key goes to ${address} without encryption.`,
            'Use an https address, or a tunnel to that computer.',
          ),
        );
      }
      const { clock } = this.#tools;
      const started = clock.now();
      const sent = await sendRequest(
        { url: `${address}/models`, key, timeout: checkTimeout },
        this.#tools,
        signal,
      );
      const seconds = (clock.now() - started) / 1000;
      if ('failure' in sent) {
        const { scope, status, reason, advice } = sent.failure;
        // Not every server lists its models.
        if (status === 404 || status === 405 || status === 501)
          return { reachable: true, models: null, seconds, problems };
        const local = isThisComputer(new URL(endpoint).hostname);
        problems.push(
          scope === 'final'
            ? {
                level: 'error',
                code: 'judge-refused',
                message: `The judge at ${address} cannot be used: ${reason}.`,
                advice: advice ?? 'Check its address.',
              }
            : warning(
                'judge-unavailable',
                `The judge at ${address} does not answer: ${reason}.`,
                `${local ? 'Start it' : 'Check the address and the network'}; a run waits for it.`,
              ),
        );
        return { reachable: status !== undefined, models: null, seconds: null, problems };
      }
      const parsed = modelsSchema.safeParse(sent.value);
      const models = parsed.success ? parsed.data.data.map(({ id }) => id) : null;
      if (
        model !== undefined &&
        models !== null &&
        !models.includes(model) &&
        !models.includes(`${model}:latest`)
      ) {
        problems.push(
          warning(
            'judge-model',
            `The judge at ${address} does not list a model "${model}".`,
            models.length === 0
              ? 'It lists none: load one there first.'
              : `It lists: ${models.slice(0, 12).join(', ')}${models.length > 12 ? ', …' : ''}.`,
          ),
        );
      }
      return { reachable: true, models, seconds, problems };
    } catch (error) {
      const { kind, code, message, advice } = toErrorShape(error);
      if (kind === 'bug' || signal.aborted) throw error;
      problems.push({ level: 'error', code, message, advice: advice ?? '' });
      return { reachable: false, models: null, seconds: null, problems };
    }
  }
}

function warning(code: string, message: string, advice: string): Problem {
  return { level: 'warning', code, message, advice };
}
