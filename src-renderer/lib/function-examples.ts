/** What a reward function gets and gives, and worked examples to begin with. */

/** The types that the sandbox keeps to, as they are shown beside the editor. */
export const functionTypes = `type Answer = {
  prompt: string;    // the question
  response: string;  // what the model answered
  answer: string;    // the right answer, or ""
  row: object;       // every column of the row
  finish: "stop" | "length"; // "length": cut off
};

// A number, or with a reason, or null
// where it cannot be graded.
function reward(given: Answer):
  | number
  | { value: number, reason: string }
  | null`;

export interface FunctionExample {
  readonly title: string;
  readonly code: string;
}

export const functionExamples: readonly FunctionExample[] = [
  {
    title: 'Short answers',
    code: `// 1 for up to 100 characters, falling to 0 at 300.
function reward({ response }) {
  const over = Math.max(0, response.length - 100);
  const value = Math.max(0, 1 - over / 200);
  return { value, reason: response.length + ' characters' };
}
`,
  },
  {
    title: 'Share of the right words',
    code: `// How many words of the right answer occur.
function reward({ response, answer }) {
  const words = (text) => text.toLowerCase().match(/[\\p{L}\\p{N}]+/gu) ?? [];
  const wanted = words(answer);
  if (wanted.length === 0) return null; // nothing to compare with
  const given = new Set(words(response));
  const missing = wanted.filter((word) => !given.has(word));
  console.log('missing', missing);
  return {
    value: 1 - missing.length / wanted.length,
    reason: missing.length === 0 ? 'all there' : 'missing: ' + missing.join(', '),
  };
}
`,
  },
  {
    title: 'A column of the row',
    code: `// The row says in "unit" in which unit the answer must be.
function reward({ response, row }) {
  if (typeof row.unit !== 'string') return null;
  return response.trim().endsWith(row.unit) ? 1 : 0;
}
`,
  },
];
