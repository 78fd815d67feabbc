/**
 * The chat template of a model folder: turns a conversation into the text that the model was trained on, as
 * transformers' `apply_chat_template` does. Templates come from strangers and may run long: render them in a process
 * that can be ended, never in the host.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { userError } from '../contract/errors.ts';
import { Interpreter, SPAN_END, SPAN_START } from './chat/interpreter.ts';
import { strip } from './chat/methods.ts';
import { parseTemplate } from './chat/syntax.ts';
import type { Node } from './chat/syntax.ts';
import { TemplateFailure, failure, fromPlain, isDictionary, isList } from './chat/values.ts';
import type { Dictionary, Value } from './chat/values.ts';
import { isAbsent, readJsonFile, readTextFile } from './read-json.ts';
import { readSpecialTokens } from './special-tokens.ts';
import type { SpecialTokens } from './special-tokens.ts';

/** One turn of a conversation: `role`, `content` and whatever else the template reads. */
export type ChatMessage = Readonly<Record<string, unknown>> | Dictionary;

/** How a conversation is rendered. */
export interface ChatOptions {
  /** Whether the beginning of an answer is put at the end. */
  readonly addGenerationPrompt?: boolean;
  /** Leaves the last message open, cut off behind its content or behind the named field. */
  readonly continueFinalMessage?: boolean | string;
  /** Functions that the model may call, as JSON Schema. */
  readonly tools?: readonly unknown[] | null;
  readonly documents?: readonly unknown[] | null;
  /** Further variables of the template, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Name of one of several templates. */
  readonly name?: string;
}

/** A rendered conversation; each span (start and end in UTF-16 units) is text of the assistant, where the template marks it. */
export interface RenderedChat {
  readonly text: string;
  readonly spans: readonly (readonly [number, number])[];
}

const TEMPLATE_LIMIT = 4 * 1024 * 1024;
const CONTINUE_TAG = 'CONTINUE_FINAL_MESSAGE_TAG ';
/** Names under which the reasoning of a message is passed; the first is the one that templates read today. */
const reasoningFields = ['reasoning_content', 'thinking', 'reasoning'];

const configSchema = z.looseObject({
  chat_template: z
    .union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))])
    .nullish(),
});

/** Drops null fields and copies reasoning to the names under which templates read it. */
function prepareMessage(message: ChatMessage): Map<string, Value> {
  const value = fromPlain(message);
  if (!isDictionary(value)) throw failure('a message must be an object with "role" and "content"');
  const fields = new Map([...value].filter(([, field]) => field !== null));
  const reasoning = reasoningFields.map((name) => fields.get(name)).find((field) => field !== undefined);
  if (reasoning === undefined) return fields;
  return new Map([['thinking', reasoning], ...fields, ['reasoning_content', reasoning]]);
}

/** Puts the marker behind the text that shall stay open. Returns that text. */
function tagFinalMessage(messages: Map<string, Value>[], field: string, source: string): string {
  const last = messages.at(-1);
  if (last === undefined) throw failure('there is no message to continue');
  const content = last.get(field);
  if (content === undefined) throw failure(`the last message has no "${field}" to continue`);
  const fields = reasoningFields.includes(field)
    ? reasoningFields.filter((name) => last.get(name) === content)
    : [field];
  if (!fields.some((name) => source.includes(name)))
    throw failure(`the chat template does not read the field "${field}"`);
  if (isList(content)) {
    const index = content.findLastIndex((block) => isDictionary(block) && block.has('text'));
    const block = content[index];
    const text = block !== undefined && isDictionary(block) ? block.get('text') : undefined;
    if (block === undefined || !isDictionary(block) || typeof text !== 'string')
      throw failure('the last message has no text to continue');
    last.set(field, content.with(index, new Map([...block, ['text', text + CONTINUE_TAG]])));
    return text;
  }
  if (typeof content !== 'string') throw failure('the last message has no text to continue');
  for (const name of fields) last.set(name, content + CONTINUE_TAG);
  return content;
}

/** Cuts the rendered text at the marker. */
function cutAtTag(text: string, content: string): string {
  const at = text.lastIndexOf(CONTINUE_TAG.trimEnd());
  if (at < 0 || !text.includes(strip(content, null, 'both'))) {
    throw failure('the last message cannot be continued: the chat template changes or leaves out its text');
  }
  const before = text.slice(0, at);
  // Where the template trims the message, the spaces before the marker go too.
  return text.startsWith(CONTINUE_TAG, at) ? before : strip(before, null, 'right');
}

/** Takes the marks of the assistant's text out of a rendered text and notes where they were. */
function takeSpans(marked: string): RenderedChat {
  const spans: [number, number][] = [];
  const open: [number, number][] = [];
  let text = '';
  for (const part of marked.split(new RegExp(`([${SPAN_START}${SPAN_END}])`))) {
    if (part === SPAN_START) {
      const span: [number, number] = [text.length, text.length];
      open.push(span);
      spans.push(span);
    } else if (part === SPAN_END) {
      const span = open.pop();
      if (span === undefined)
        throw failure('the text of the conversation holds characters that are reserved');
      span[1] = text.length;
    } else text += part;
  }
  if (open.length > 0) throw failure('the chat template cuts off the text of the assistant');
  return { text, spans };
}

export class ChatTemplate {
  /** The template by its name; the usual one is called `default`. */
  readonly #sources: ReadonlyMap<string, string>;
  readonly #trees = new Map<string, readonly Node[]>();
  readonly #specialTokens: SpecialTokens;
  readonly #now: () => Date;
  /** Where the templates come from, for errors. */
  readonly where: string;

  /** Use `loadChatTemplate`. `now` is the clock that `strftime_now` reads. */
  constructor(
    sources: ReadonlyMap<string, string>,
    specialTokens: SpecialTokens,
    where: string,
    now: () => Date,
  ) {
    this.#sources = sources;
    this.#specialTokens = specialTokens;
    this.where = where;
    this.#now = now;
  }

  /** The source that is rendered; several templates are told apart by name, and `tool_use` is for calls with tools. */
  #source(options: ChatOptions): { name: string; source: string } {
    const names =
      options.name !== undefined
        ? [options.name]
        : options.tools != null
          ? ['tool_use', 'default']
          : ['default'];
    for (const name of names) {
      const source = this.#sources.get(name);
      if (source !== undefined) return { name, source };
    }
    const known = [...this.#sources.keys()].sort().join(', ');
    throw userError(
      'chat-template-missing',
      `The model has no chat template named "${names.at(-1) ?? ''}", but these: ${known}.`,
      {
        where: this.where,
        advice: 'Name the template to use, or switch the chat template off.',
      },
    );
  }

  /**
   * Renders a conversation. Throws user errors: `chat-template-raised` (the template refuses the conversation; its own
   * words), `chat-template-unsupported` (it needs something that is not supported, named), `chat-template-failed`,
   * `chat-template-missing`.
   */
  apply(messages: readonly ChatMessage[], options: ChatOptions = {}): RenderedChat {
    const { name, source } = this.#source(options);
    try {
      return this.#render(name, source, messages, options);
    } catch (error) {
      if (!(error instanceof TemplateFailure)) throw error;
      if (error.kind === 'raised') {
        throw userError('chat-template-raised', error.message, {
          where: this.where,
          advice:
            'The chat template of the model refuses this conversation; change the prompt, or switch the template off.',
          cause: error,
        });
      }
      const message = `The chat template of the model cannot be used: ${error.message}.`;
      throw userError(
        error.kind === 'unsupported' ? 'chat-template-unsupported' : 'chat-template-failed',
        message,
        {
          where: this.where,
          advice:
            'Switch the chat template off (model.chat: "off"), or put another chat_template.jinja into the model folder.',
          cause: error,
        },
      );
    }
  }

  #render(
    name: string,
    source: string,
    messages: readonly ChatMessage[],
    options: ChatOptions,
  ): RenderedChat {
    const goOn = options.continueFinalMessage ?? false;
    if (goOn !== false && options.addGenerationPrompt === true) {
      throw failure('a message cannot be continued and an answer begun at the same time');
    }
    const tree = this.#trees.get(name) ?? parseTemplate(source);
    this.#trees.set(name, tree);
    const prepared = messages.map(prepareMessage);
    const content =
      goOn === false ? null : tagFinalMessage(prepared, goOn === true ? 'content' : goOn, source);
    const variables = new Map<string, Value>();
    for (const [key, value] of Object.entries({ ...this.#specialTokens, ...options.variables }))
      variables.set(key, fromPlain(value));
    variables.set('messages', prepared);
    variables.set('tools', fromPlain(options.tools ?? null));
    variables.set('documents', fromPlain(options.documents ?? null));
    variables.set('add_generation_prompt', options.addGenerationPrompt ?? false);
    // A continued text is cut, so spans in it would not hold.
    const marked = new Interpreter({ variables, now: this.#now(), markSpans: content === null }).render(tree);
    return content === null ? takeSpans(marked) : { text: cutAtTag(marked, content), spans: [] };
  }

  /** The text of one question of a user, up to where the answer begins. Throws as `apply` does. */
  render(prompt: string): string {
    return this.apply([{ role: 'user', content: prompt }], { addGenerationPrompt: true }).text;
  }
}

/** The templates in `additional_chat_templates`, by name. */
async function additionalTemplates(folder: string): Promise<[string, string][]> {
  const directory = join(folder, 'additional_chat_templates');
  const names = await readdir(directory).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw error;
  });
  const found: [string, string][] = [];
  for (const name of names.filter((one) => one.endsWith('.jinja')).sort()) {
    const source = await readTextFile(join(directory, name), TEMPLATE_LIMIT);
    if (source !== null) found.push([name.slice(0, -'.jinja'.length), source]);
  }
  return found;
}

/**
 * The chat template of a model folder, or null where it has none. `chat_template.jinja` (with
 * `additional_chat_templates/`) comes before `chat_template` in `tokenizer_config.json`; `chat_template.json` belongs to
 * processors of images and is not read, as in transformers. Throws user errors for files that cannot be read.
 */
export async function loadChatTemplate(
  folder: string,
  now: () => Date = () => new Date(),
): Promise<ChatTemplate | null> {
  const sources = new Map<string, string>();
  let where = join(folder, 'chat_template.jinja');
  const file = await readTextFile(where, TEMPLATE_LIMIT);
  if (file !== null) sources.set('default', file);
  for (const [name, source] of await additionalTemplates(folder)) sources.set(name, source);
  if (sources.size === 0) {
    where = join(folder, 'tokenizer_config.json');
    const template = (await readJsonFile(where, configSchema))?.chat_template ?? null;
    if (template === null) return null;
    if (typeof template === 'string') sources.set('default', template);
    else for (const one of template) sources.set(one.name, one.template);
    if (sources.size === 0) return null;
  }
  return new ChatTemplate(sources, await readSpecialTokens(folder), where, now);
}

/**
 * For each token whether it belongs to the assistant's text: 1 or 0. `offsets` as from `Tokenizer.encodeWithOffsets` of
 * the rendered text.
 */
export function assistantMask(offsets: Int32Array, spans: RenderedChat['spans']): Uint8Array {
  const mask = new Uint8Array(offsets.length / 2);
  const tokenAt = (position: number): number => {
    for (let token = 0; token < mask.length; token++) {
      if ((offsets[2 * token] ?? 0) <= position && position < (offsets[2 * token + 1] ?? 0)) return token;
    }
    return -1;
  };
  for (const [start, end] of spans) {
    const first = tokenAt(start);
    if (first < 0) break;
    const last = tokenAt(end - 1);
    mask.fill(1, first, last < 0 ? mask.length : last + 1);
  }
  return mask;
}
