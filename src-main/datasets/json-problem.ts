/** Finds where a text stops being JSON and says why in plain words; one pass, without recursion. */

/** Where and why a text is not JSON. */
export interface JsonProblem {
  /** UTF-16 offset of the first character that does not fit. */
  readonly offset: number;
  readonly hint: string;
}

type Expecting = 'value' | 'value-or-end' | 'name' | 'name-or-end' | 'colon' | 'comma' | 'nothing';

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;
const NAME = /-?[A-Za-z_][A-Za-z0-9_]*/y;

function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** End of the string that opens at `start`, or the problem inside it. */
function stringEnd(text: string, start: number): number | JsonProblem {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) return i + 1;
    if (code < 0x20) {
      const name = code === 9 ? 'a tab' : code === 10 || code === 13 ? 'a line break' : 'a control character';
      return {
        offset: i,
        hint: `${name} inside a string; it must be written with a backslash, such as \\t or \\n`,
      };
    }
    if (code === 0x5c) {
      const next = text[i + 1];
      if (next === undefined) break;
      if (next === 'u' && !/^[0-9a-fA-F]{4}$/.test(text.slice(i + 2, i + 6))) {
        return { offset: i, hint: '\\u must be followed by four hexadecimal digits' };
      }
      if (!'"\\/bfnrtu'.includes(next)) {
        return { offset: i, hint: `\\${next} is not known in JSON; write a backslash itself as \\\\` };
      }
      i += 1;
    }
  }
  return { offset: text.length, hint: 'the text ends in the middle of a string (was the file cut off?)' };
}

function wordHint(word: string): string {
  if (/^-?(?:NaN|Infinity|nan|inf)$/.test(word))
    return `${word} is not JSON; write null or leave the field out`;
  if (/^(?:True|False|None)$/.test(word))
    return `${word} is Python, not JSON; write ${word === 'None' ? 'null' : word.toLowerCase()}`;
  return 'text without double quotes';
}

/** What is wrong with the character at `at`, where a value should begin. */
function valueHint(text: string, at: number, afterComma: boolean): string {
  const character = text[at] ?? '';
  if (character === "'")
    return "single quotes: a Python dict, not JSON; use double quotes (Python's json.dumps)";
  if (afterComma && (character === ']' || character === '}')) return `a comma before ${character}`;
  const end = matchEnd(NAME, text, at);
  if (end > at) return wordHint(text.slice(at, Math.min(end, at + 40)));
  return `a value should stand here, not ${JSON.stringify(character)}`;
}

function nameHint(text: string, at: number, afterComma: boolean): string {
  const character = text[at] ?? '';
  if (character === "'")
    return "single quotes: a Python dict, not JSON; use double quotes (Python's json.dumps)";
  if (afterComma && character === '}') return 'a comma before }';
  return 'a field name in double quotes should stand here';
}

/** The first problem of a text that should be one JSON value, or undefined when it is one. */
export function findJsonProblem(text: string): JsonProblem | undefined {
  const open: ('{' | '[')[] = [];
  let expecting: Expecting = 'value';
  let at = 0;
  const afterValue = (): Expecting => (open.length === 0 ? 'nothing' : 'comma');
  for (;;) {
    at = matchEnd(SPACE, text, at);
    const character = text[at];
    if (character === undefined) {
      if (expecting === 'nothing') return undefined;
      const hint =
        open.length === 0
          ? 'there is no value'
          : `the text ends before the closing ${open.at(-1) === '{' ? '}' : ']'} (was the file cut off?)`;
      return { offset: at, hint };
    }
    switch (expecting) {
      case 'nothing': {
        const hint =
          character === '{'
            ? 'two objects without a line break or comma between'
            : 'more text behind the value';
        return { offset: at, hint };
      }
      case 'colon':
        if (character !== ':') return { offset: at, hint: 'a colon should stand here, after the field name' };
        at += 1;
        expecting = 'value';
        break;
      case 'comma':
        if (character === ',') {
          at += 1;
          expecting = open.at(-1) === '{' ? 'name' : 'value';
        } else if (character === (open.at(-1) === '{' ? '}' : ']')) {
          at += 1;
          open.pop();
          expecting = afterValue();
        } else {
          return { offset: at, hint: 'a comma is missing here' };
        }
        break;
      case 'name':
      case 'name-or-end':
        if (character === '}' && expecting === 'name-or-end') {
          at += 1;
          open.pop();
          expecting = afterValue();
        } else if (character === '"') {
          const end = stringEnd(text, at);
          if (typeof end !== 'number') return end;
          at = end;
          expecting = 'colon';
        } else {
          return { offset: at, hint: nameHint(text, at, expecting === 'name') };
        }
        break;
      default: {
        if (character === '{' || character === '[') {
          open.push(character);
          at += 1;
          expecting = character === '{' ? 'name-or-end' : 'value-or-end';
          break;
        }
        if (character === ']' && expecting === 'value-or-end') {
          at += 1;
          open.pop();
          expecting = afterValue();
          break;
        }
        if (character === '"') {
          const end = stringEnd(text, at);
          if (typeof end !== 'number') return end;
          at = end;
        } else {
          const end = Math.max(matchEnd(NUMBER, text, at), matchEnd(WORD, text, at));
          if (end === at)
            return { offset: at, hint: valueHint(text, at, open.at(-1) === '[' && expecting === 'value') };
          at = end;
        }
        expecting = afterValue();
      }
    }
  }
}
