/** The reward `function`: the user's own JavaScript. Every answer finds the code as it was just after being read. */
import type { QuickJSHandle } from 'quickjs-emscripten';
import type { ComponentOf } from '../../contract/reward.ts';
import type { RewardItem } from '../outcome.ts';
import { notGradable } from '../outcome.ts';
import { stopWords } from './data-grader.ts';
import { functionFile } from './guest/call-reward.ts';
import { outcomeSchema, parseGuestJson, problemSchema } from './guest-json.ts';
import { GuestStop } from './machine.ts';
import type { Graded, Preparation, PreparationContext, Problem } from './prepared.ts';
import { refused } from './prepared.ts';
import { UserEngine } from './user-engine.ts';

type FunctionReward = ComponentOf<'function'>;

/** Longest time for reading the code, milliseconds. */
const readingMilliseconds = 2000;

interface Ready {
  readonly engine: UserEngine;
  readonly reward: QuickJSHandle;
}

async function open({ code, memory }: FunctionReward, { now }: PreparationContext): Promise<Ready | Problem> {
  const engine = await UserEngine.open(memory, 'none', now);
  try {
    return engine.machine.within(readingMilliseconds, () => {
      const result = engine.run(code, functionFile);
      if ('thrown' in result) {
        const { message, line, column } = parseGuestJson(
          problemSchema,
          engine.call('describeProblem', [result.thrown, functionFile]),
        );
        const place = line === undefined ? '' : `, line ${line}, column ${column ?? 1}`;
        return { message: `The code cannot be run: ${message}.`, where: `code${place}`, advice: '' };
      }
      result.value.dispose();
      const reward = engine.functionNamed('reward');
      if (reward === undefined) {
        return {
          message: 'The code has no function named reward.',
          where: 'code',
          advice: 'Begin with: function reward({ prompt, response, answer, row, finish }) { return 0; }',
        };
      }
      engine.machine.keep();
      return { engine, reward };
    });
  } catch (error) {
    if (!(error instanceof GuestStop)) throw error;
    return {
      message: `The code ${stopWords(error.why)} before any answer was graded.`,
      where: 'code',
      advice: 'Do at the top level only what is quick; work belongs into the function.',
    };
  }
}

function gradeOne(
  { engine, reward }: Ready,
  { timeout }: FunctionReward,
  item: RewardItem,
  seed: number,
): Graded {
  const { prompt, response, reference, row, finish } = item;
  const text = JSON.stringify({ prompt, response, answer: reference, row, finish });
  const { machine } = engine;
  let lines: readonly string[] = [];
  try {
    machine.restore();
    const outcome = machine.within(timeout, () => {
      let found = engine.call('callReward', [reward, engine.realm, text, String(seed)]);
      if (found === '') {
        engine.serve();
        found = engine.call('settledReward', []);
      }
      lines = engine.printedLines();
      return parseGuestJson(outcomeSchema, found);
    });
    return { outcome, lines };
  } catch (error) {
    if (!(error instanceof GuestStop)) throw error;
    const limit = error.why === 'time' ? ` (more than ${timeout} ms)` : '';
    return { outcome: notGradable(`the function ${stopWords(error.why)}${limit}`), lines };
  }
}

/** Makes a user's function ready; errors of syntax are told with line and column. */
export async function prepareFunction(
  component: FunctionReward,
  context: PreparationContext,
): Promise<Preparation> {
  const opened = await open(component, context);
  if ('message' in opened) return refused(opened);
  let ready = opened;
  return {
    ok: true,
    prepared: {
      async grade(item) {
        if (ready.engine.machine.broken) {
          const again = await open(component, context);
          if ('message' in again) throw new Error(`internal: ${again.message}`);
          ready = again;
        }
        return gradeOne(ready, component, item, context.seed);
      },
    },
  };
}
