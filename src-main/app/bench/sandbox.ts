/** How many answers a second the sandbox process grades, messages included. */
import path from 'node:path';
import { rewardComponentSchema } from '../../contract/reward.ts';
import type { RewardItem } from '../../rewards/outcome.ts';
import { SandboxClient } from '../../rewards/sandbox/client.ts';
import { forkSandbox } from '../../rewards/sandbox/fork-sandbox.ts';
import type { Measured } from './stopwatch.ts';
import { median, peakMemory, timed } from './stopwatch.ts';

const answers = 2000;
const rounds = 5;
const program = path.resolve(import.meta.dirname, '../../rewards/sandbox/program.ts');

const words = (index: number): string =>
  `${Array.from({ length: 20 }, (_, step) => `take ${index + step} and carry ${step}.`).join(' ')} answer: ${index}`;
const fields = (index: number): string =>
  JSON.stringify(
    Object.fromEntries(Array.from({ length: 10 }, (_, field) => [`field${field}`, index + field])),
  );

const cases = {
  regex: { settings: { pattern: 'answer: (\\d+)$', capture: true }, response: words },
  function: {
    settings: {
      code: 'function reward({ response, answer }) { return response.match(/\\d+$/)?.[0] === answer ? 1 : 0 }',
    },
    response: words,
  },
  'json-schema': {
    settings: {
      schema: { type: 'object', minProperties: 10, additionalProperties: { type: 'integer', minimum: 0 } },
    },
    response: fields,
  },
} as const;

/** Times right answers. @returns answers a second by kind */
export async function measureSandbox(): Promise<Measured> {
  const measured: Measured = {};
  const client = new SandboxClient(forkSandbox(program), 1);
  try {
    for (const [kind, { settings, response }] of Object.entries(cases)) {
      const component = rewardComponentSchema.parse({ kind, ...settings });
      if (component.kind === 'reward-model' || component.kind === 'judge') throw new Error('internal: kind');
      const items = Array.from({ length: answers }, (_, index): RewardItem => ({
        prompt: `Question ${index}`,
        response: response(index),
        reference: String(index),
        row: { question: `Question ${index}`, answer: index },
        finish: 'stop',
        tokens: null,
        maxTokens: null,
      }));
      const grade = async (): Promise<void> => {
        const total = (await client.grade(component, items)).reduce(
          (sum, { value }) => sum + (value ?? 0),
          0,
        );
        if (total !== answers)
          throw new Error(`internal: ${kind} graded ${total} of ${answers} answers right`);
      };
      await grade();
      const seconds: number[] = [];
      for (let round = 0; round < rounds; round++) seconds.push(await timed(grade));
      measured[kind] = answers / median(seconds);
    }
  } finally {
    client.close();
  }
  return { ...measured, memory: peakMemory() };
}
