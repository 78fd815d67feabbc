/** What untrusted code threw, in words; asks the thrown value nothing but its own data. */

const { getOwnPropertyDescriptor, getPrototypeOf } = Object;
const longest = 300;

/** A text property of an object or of its prototypes, without running code. */
function textOf(value: object, name: string): string {
  let holder: object | null = value;
  for (let depth = 0; holder !== null && depth < 10; depth++) {
    const found = getOwnPropertyDescriptor(holder, name)?.value as unknown;
    if (typeof found === 'string') return found;
    holder = getPrototypeOf(holder) as object | null;
  }
  return '';
}

/**
 * For example `line 3: TypeError: not a function`.
 * @param file name of the untrusted script: the deepest line of it is told
 */
export function describeThrown(thrown: unknown, file: string): string {
  if (typeof thrown !== 'object' || thrown === null) {
    return `threw ${typeof thrown === 'symbol' ? 'a symbol' : String(thrown).slice(0, longest)}`;
  }
  const place = placeOf(textOf(thrown, 'stack'), file);
  const words = [textOf(thrown, 'name') || 'Error', textOf(thrown, 'message')].filter((word) => word !== '');
  const message = words.join(': ').slice(0, longest);
  return place === undefined ? message : `line ${place.line}: ${message}`;
}

/** Line and column of the first mention of a file in a stack. */
export function placeOf(stack: string, file: string): { line: number; column: number } | undefined {
  const at = stack.indexOf(`${file}:`);
  if (at === -1) return undefined;
  const match = /^(\d+)(?::(\d+))?/.exec(stack.slice(at + file.length + 1, at + file.length + 30));
  return match === null ? undefined : { line: Number(match[1]), column: Number(match[2] ?? 1) };
}

/** What was thrown with its place, as JSON: for errors before anything is graded. */
export function describeProblem(thrown: unknown, file: string): string {
  const object = typeof thrown === 'object' && thrown !== null ? thrown : {};
  return JSON.stringify({
    message: [textOf(object, 'name'), textOf(object, 'message')].filter((word) => word !== '').join(': '),
    ...(placeOf(textOf(object, 'stack'), file) ?? {}),
  });
}
