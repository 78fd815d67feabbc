/** How many answers the verifiers grade in a second. */
import type { RewardConfig } from '../../contract/reward.ts';
import { rewardSchema } from '../../contract/reward.ts';
import type { RewardItem } from '../../rewards/outcome.ts';
import { scoreAnswer } from '../../rewards/score-answer.ts';
import type { Measured } from './stopwatch.ts';
import { peakMemory, timedOften } from './stopwatch.ts';

const answers = 2000;

/** Numbers of a row and its right answers vary, so that nothing is graded twice. */
function item(index: number, response: string, numbers: readonly number[], target: number): RewardItem {
  return {
    prompt: `Question ${index}`,
    response,
    reference: String(target),
    row: { check: { numbers: [...numbers], target } },
    finish: 'stop',
    tokens: response.length,
    maxTokens: 4096,
  };
}

/** A text of about 100 words with a calculation, as a small reasoning model writes it. */
function longAnswer(index: number): string {
  const steps = Array.from({ length: 12 }, (_, step) => `First take ${index + step} and carry ${step % 10}.`);
  return `${steps.join(' ')} So the answer is \\boxed{${index * 3}}`;
}

interface Verifier {
  readonly reward: RewardConfig;
  readonly response: (index: number) => string;
}

const verifiers: Readonly<Record<string, Verifier>> = {
  exact: {
    reward: rewardSchema.parse({ components: [{ kind: 'exact' }] }),
    response: (index) => ` ${index * 3}\n`,
  },
  'number-whole': {
    reward: rewardSchema.parse({ components: [{ kind: 'number', find: 'whole' }] }),
    response: (index) => ` ${(index * 3).toLocaleString('en')}.0`,
  },
  'number-last': {
    reward: rewardSchema.parse({ components: [{ kind: 'number', find: 'last' }] }),
    response: longAnswer,
  },
  equation: {
    reward: rewardSchema.parse({ components: [{ kind: 'equation' }] }),
    response: (index) => `${index} * (${(index % 7) + 3} - ${index % 7})`,
  },
};

export const verifierNames: readonly string[] = Object.keys(verifiers);

/**
 * Times right answers, reasons included.
 * @returns answers a second by name of the verifier
 */
export function measureVerifiers(): Measured {
  const speeds = Object.entries(verifiers).map(([name, { reward, response }]): [string, number] => {
    const items = Array.from({ length: answers }, (_, place) => {
      const index = 10 + place;
      return item(index, response(index), [index, (index % 7) + 3, index % 7], index * 3);
    });
    const seconds = timedOften(() => {
      // The sum is used, so that no compiler leaves the work out.
      const total = items.reduce((sum, each) => sum + (scoreAnswer(reward, each).total ?? 0), 0);
      if (total !== answers) throw new Error(`internal: ${name} graded ${total} of ${answers} answers right`);
    });
    return [name, answers / seconds];
  });
  return { ...Object.fromEntries(speeds), memory: peakMemory() };
}
