/**
 * One question to a chat model behind the OpenAI interface. Servers differ in what they understand; what one refuses is left
 * out, tried once without, and remembered for as long as the application runs.
 */
import { z } from 'zod';
import type { ComponentOf } from '../../contract/reward.ts';
import type { JudgeMessage, JudgementForm } from '../../rewards/judge/judge-messages.ts';
import { baseAddress } from './judge-endpoint.ts';
import {
  sendRequest,
  withoutKey,
  type RequestFailure,
  type RequestTools,
  type Sent,
} from './send-request.ts';

type JudgeComponent = ComponentOf<'judge'>;

/** What a server is known not to understand. */
export interface Dialect {
  structured: boolean;
  temperature: boolean;
  system: boolean;
  /** Name of the field with the longest reply. */
  limit: 'max_tokens' | 'max_completion_tokens';
}

/** Dialects by server and model; shared by all that ask. */
export class Dialects {
  readonly #known = new Map<string, Dialect>();

  of({ endpoint, model }: Pick<JudgeComponent, 'endpoint' | 'model'>): Dialect {
    const name = JSON.stringify([baseAddress(endpoint), model]);
    const dialect = this.#known.get(name) ?? {
      structured: true,
      temperature: true,
      system: true,
      limit: 'max_tokens',
    };
    this.#known.set(name, dialect);
    return dialect;
  }
}

const replySchema = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({
          content: z
            .union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))])
            .nullish(),
        }),
      }),
    )
    .min(1),
});

export interface ChatQuestion {
  readonly messages: readonly JudgeMessage[];
  /** Null asks for plain text. */
  readonly form: JudgementForm | null;
  readonly maxTokens: number;
}

/**
 * Asks and reads the reply's text; a refusal of something that can be done without costs one more request.
 * @param spend called before each request
 */
export async function askChat(
  component: JudgeComponent,
  question: ChatQuestion,
  tools: RequestTools & { readonly dialects: Dialects; readonly key: string | undefined },
  signal: AbortSignal,
  spend: () => void,
): Promise<Sent<string>> {
  const dialect = tools.dialects.of(component);
  const send = async (spoken: Dialect): Promise<Sent<unknown>> => {
    spend();
    return sendRequest(
      {
        url: `${baseAddress(component.endpoint)}/chat/completions`,
        body: requestBody(component, question, spoken),
        key: tools.key,
        timeout: component.timeout * 1000,
      },
      tools,
      signal,
    );
  };
  let sent = await send(dialect);
  for (let round = 0; round < 4 && 'failure' in sent; round++) {
    const simpler = withoutRefused(sent.failure, dialect, component.structured && question.form !== null);
    if (simpler === null) break;
    const again = await send(simpler);
    // What did not help is not remembered: then something else was wrong.
    if (
      'failure' in again &&
      again.failure.scope === 'answer' &&
      again.failure.reason === sent.failure.reason
    )
      break;
    Object.assign(dialect, simpler);
    sent = again;
  }
  if ('failure' in sent) return sent;
  return readReply(sent.value, tools.key);
}

function requestBody(
  { model, temperature, structured }: JudgeComponent,
  { messages, form, maxTokens }: ChatQuestion,
  dialect: Dialect,
): Record<string, unknown> {
  return {
    model,
    messages: dialect.system ? messages : merged(messages),
    ...(dialect.temperature ? { temperature } : {}),
    [dialect.limit]: maxTokens,
    stream: false,
    ...(structured && dialect.structured && form !== null
      ? {
          response_format: {
            type: 'json_schema',
            json_schema: { name: form.name, strict: true, schema: form.schema },
          },
        }
      : {}),
  };
}

/** Instructions and question in one message, for models without a system role. */
function merged(messages: readonly JudgeMessage[]): JudgeMessage[] {
  const [first, second, ...rest] = messages;
  if (first?.role !== 'system' || second === undefined) return [...messages];
  return [{ role: second.role, content: `${first.content}\n\n${second.content}` }, ...rest];
}

/** What to do without after this failure; null where nothing is left or the failure is of another kind. */
function withoutRefused(
  { scope, status, reason }: RequestFailure,
  dialect: Dialect,
  structured: boolean,
): Dialect | null {
  if (scope !== 'answer' && status !== 500 && status !== 501) return null;
  if (dialect.limit === 'max_tokens' && /max_completion_tokens/i.test(reason))
    return { ...dialect, limit: 'max_completion_tokens' };
  if (dialect.temperature && /temperature/i.test(reason)) return { ...dialect, temperature: false };
  if (dialect.system && /system (?:role|message|prompt)|roles must alternate/i.test(reason))
    return { ...dialect, system: false };
  const named = /response_format|json_schema|structured|grammar|guided/i.test(reason);
  // Many servers refuse the form without naming it.
  if (structured && dialect.structured && (named || scope === 'answer'))
    return { ...dialect, structured: false };
  return null;
}

function readReply(value: unknown, key: string | undefined): Sent<string> {
  const parsed = replySchema.safeParse(value);
  const content = parsed.data?.choices[0]?.message.content;
  if (!parsed.success) {
    const empty = typeof value === 'object' && value !== null && Array.isArray(Reflect.get(value, 'choices'));
    const reason = empty ? 'a reply without a choice' : 'a reply of another form than that of the interface';
    return { failure: { scope: 'passing', reason } };
  }
  const text =
    typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('');
  return { value: withoutKey(text, key) };
}
