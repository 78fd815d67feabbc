/**
 * Conversations in the layouts in which data sets hold them: lists of {role, content} or {from, value}, the same as JSON
 * text in a cell, and transcripts (“Human: … Assistant: …”).
 */
import type { Json } from './row.ts';
import { isObject } from './row.ts';

/** One turn as chat templates read it; further fields (such as tool calls) are kept. */
export interface ChatTurn {
  readonly role: string;
  readonly content: string;
  readonly [field: string]: Json;
}

/** Names of roles in other layouts. */
const roles: ReadonlyMap<string, string> = new Map([
  ['human', 'user'],
  ['user', 'user'],
  ['prompter', 'user'],
  ['gpt', 'assistant'],
  ['assistant', 'assistant'],
  ['model', 'assistant'],
  ['bot', 'assistant'],
  ['chatgpt', 'assistant'],
  ['ai', 'assistant'],
  ['system', 'system'],
  ['developer', 'developer'],
  ['tool', 'tool'],
  ['function', 'tool'],
  ['function_call', 'assistant'],
  ['observation', 'tool'],
]);
const roleFields = ['role', 'from', 'speaker'];
const contentFields = ['content', 'value', 'text'];
const TRANSCRIPT = /(?:^|\n\n)(Human|Assistant|User|System): ?/g;
/** Longest cell that is tried as JSON. */
const LONGEST_CELL = 16 * 1024 * 1024;

/** Text of a content: a string, or the text parts of a list of parts. */
function contentText(content: Json | undefined): string | null {
  if (typeof content === 'string') return content;
  if (content === null || content === undefined) return '';
  if (!Array.isArray(content)) return null;
  const parts = content.map((part) =>
    isObject(part) && typeof part['text'] === 'string' ? part['text'] : null,
  );
  return parts.every((part) => part !== null) ? parts.join('') : null;
}

/** One message of any layout, or null when it is none. */
export function turnOf(value: Json | undefined): ChatTurn | null {
  if (!isObject(value)) return null;
  const roleField = roleFields.find((name) => typeof value[name] === 'string');
  const contentField = contentFields.find((name) => Object.hasOwn(value, name));
  if (roleField === undefined) return null;
  const named = value[roleField];
  if (typeof named !== 'string') return null;
  const content = contentText(contentField === undefined ? null : value[contentField]);
  if (content === null || (contentField === undefined && !Object.hasOwn(value, 'tool_calls'))) return null;
  const { [roleField]: _role, [contentField ?? 'content']: _content, ...more } = value;
  return { ...more, role: roles.get(named.toLowerCase()) ?? named, content };
}

function transcript(text: string): ChatTurn[] | null {
  if (!/^\s*(?:Human|User|System): ?/.test(text)) return null;
  const trimmed = text.trimStart();
  const marks = [...trimmed.matchAll(TRANSCRIPT)];
  if (marks.length < 2) return null;
  return marks.map((mark, i) => ({
    role: roles.get((mark[1] ?? '').toLowerCase()) ?? 'user',
    content: trimmed.slice(mark.index + mark[0].length, marks[i + 1]?.index ?? trimmed.length).trim(),
  }));
}

/**
 * The conversation in a cell, or null when it holds none.
 * @param value a list of messages, one message, JSON text of either, or a transcript
 */
export function conversationOf(value: Json | undefined): ChatTurn[] | null {
  if (typeof value === 'string') {
    const start = value.trimStart()[0];
    if ((start === '[' || start === '{') && value.length <= LONGEST_CELL) {
      let parsed: Json;
      try {
        // What JSON.parse gives is Json by definition.
        parsed = JSON.parse(value) as Json;
      } catch {
        return null;
      }
      return typeof parsed === 'string' ? null : conversationOf(parsed);
    }
    return transcript(value);
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return null;
    const turns = value.map(turnOf);
    return turns.every((turn) => turn !== null) ? turns : null;
  }
  const single = turnOf(value);
  return single === null ? null : [single];
}

/** What is asked and what was answered: an assistant's turn at the end is the answer. */
export function askedAndAnswered(turns: readonly ChatTurn[]): {
  asked: readonly ChatTurn[];
  answer: string | null;
} {
  const last = turns.at(-1);
  return last?.role === 'assistant'
    ? { asked: turns.slice(0, -1), answer: last.content }
    : { asked: turns, answer: null };
}

/** A conversation as plain text: a single question as it is, several turns with their roles before them. */
export function plainText(turns: readonly ChatTurn[]): string {
  const [first] = turns;
  if (turns.length === 1 && first?.role === 'user') return first.content;
  return turns
    .map(({ role, content }) => `${role.charAt(0).toUpperCase()}${role.slice(1)}: ${content}`)
    .join('\n\n');
}
