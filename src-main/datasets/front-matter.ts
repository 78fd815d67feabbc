/**
 * The YAML at the head of a dataset's README.md, as far as dataset cards use it: block maps and lists, plain and quoted
 * words, short lists in brackets. Anything else is refused with its line.
 */
import type { Json } from './row.ts';
import { setField } from './typed-values.ts';

/** Where and why the head of a README.md is not such YAML. */
export class FrontMatterProblem extends Error {
  /** Physical line (from 1) of the README. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

interface Line {
  readonly number: number;
  readonly indent: number;
  /** Without indentation, comment and line end. */
  readonly text: string;
}

const DEEPEST = 50;

function scalar(text: string, line: number): Json {
  if (text === '' || text === '~' || text === 'null') return null;
  if (text.startsWith('[')) {
    if (!text.endsWith(']')) throw new FrontMatterProblem(line, 'a list in brackets must end on its line');
    const inner = text.slice(1, -1).trim();
    return inner === '' ? [] : inner.split(',').map((part) => scalar(part.trim(), line));
  }
  const quote = text[0];
  if (quote === '"' || quote === "'") {
    if (text.length < 2 || !text.endsWith(quote)) throw new FrontMatterProblem(line, 'a quote is not closed');
    return quote === "'" ? text.slice(1, -1).replaceAll("''", "'") : text.slice(1, -1);
  }
  if (text.startsWith('{')) return text;
  if (text === 'true' || text === 'false') return text === 'true';
  return text;
}

/** Lines that say something; comments stand alone or behind a space. */
function contentLines(lines: readonly string[], firstNumber: number): Line[] {
  return lines.flatMap((raw, i) => {
    const number = firstNumber + i;
    const text = raw.replace(/\s+$/, '').replace(/(?:^|\s+)#.*$/, '');
    if (text.trim() === '') return [];
    const indent = text.length - text.trimStart().length;
    if (text.slice(0, indent).includes('\t'))
      throw new FrontMatterProblem(number, 'a tab in the indentation');
    return [{ number, indent, text: text.slice(indent) }];
  });
}

const KEY = /^("[^"]*"|'[^']*'|[^\s:[\]{}&*!|>][^:]*?)\s*:(?:\s+(.*))?$/;

class Parser {
  readonly #lines: Line[];
  #at = 0;

  constructor(lines: Line[]) {
    this.#lines = lines;
  }

  whole(): Json {
    const value = this.#block(0, 0);
    const rest = this.#lines[this.#at];
    if (rest !== undefined)
      throw new FrontMatterProblem(rest.number, 'this line is indented otherwise than its neighbours');
    return value;
  }

  #block(indent: number, depth: number): Json {
    if (depth > DEEPEST) throw new FrontMatterProblem(this.#lines[this.#at]?.number ?? 0, 'too deep');
    const first = this.#lines[this.#at];
    if (first === undefined || first.indent < indent) return null;
    return first.text === '-' || first.text.startsWith('- ')
      ? this.#list(first.indent, depth)
      : this.#map(first.indent, depth);
  }

  #list(indent: number, depth: number): Json[] {
    const items: Json[] = [];
    for (;;) {
      const line = this.#lines[this.#at];
      if (line === undefined || line.indent !== indent || !/^-(?: |$)/.test(line.text)) return items;
      const rest = line.text.slice(1).trimStart();
      if (rest === '') {
        this.#at += 1;
        items.push(this.#block(indent + 1, depth + 1));
      } else if (KEY.test(rest) || rest.startsWith('- ')) {
        // What stands behind the dash is a block of its own, indented by the dash.
        const inner = indent + (line.text.length - rest.length);
        this.#lines[this.#at] = { number: line.number, indent: inner, text: rest };
        items.push(this.#block(inner, depth + 1));
      } else {
        this.#at += 1;
        items.push(scalar(rest, line.number));
      }
    }
  }

  #map(indent: number, depth: number): Json {
    const made: { [name: string]: Json } = {};
    for (;;) {
      const line = this.#lines[this.#at];
      if (line === undefined || line.indent !== indent) return made;
      const match = KEY.exec(line.text);
      if (match === null) throw new FrontMatterProblem(line.number, 'a name with a colon should stand here');
      this.#at += 1;
      const key = scalar(match[1] ?? '', line.number);
      const name = typeof key === 'string' ? key : JSON.stringify(key);
      setField(made, name, this.#value((match[2] ?? '').trim(), line, depth));
    }
  }

  #value(text: string, line: Line, depth: number): Json {
    const next = this.#lines[this.#at];
    if (/^[|>][+-]?$/.test(text)) {
      const words: string[] = [];
      for (let more = next; more !== undefined && more.indent > line.indent; more = this.#lines[this.#at]) {
        words.push(more.text);
        this.#at += 1;
      }
      return words.join(text.startsWith('|') ? '\n' : ' ');
    }
    if (text !== '') return scalar(text, line.number);
    // A list may stand as far left as the name that it belongs to.
    if (next !== undefined && next.indent === line.indent && /^-(?: |$)/.test(next.text)) {
      return this.#list(line.indent, depth + 1);
    }
    return next !== undefined && next.indent > line.indent ? this.#block(next.indent, depth + 1) : null;
  }
}

/**
 * The front matter of a README.md, or null where it has none.
 * @throws FrontMatterProblem with its line
 */
export function readFrontMatter(readme: string): Json {
  const lines = readme.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  if (lines[0]?.trim() !== '---') return null;
  const end = lines.findIndex((line, i) => i > 0 && line.trim() === '---');
  if (end === -1) return null;
  return new Parser(contentLines(lines.slice(1, end), 2)).whole();
}
