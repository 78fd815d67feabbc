/**
 * The reward `code`: the answer is a program, which unit tests from the row are run against. Each answer gets an untouched
 * engine. A program that fails, loops or takes too much memory is a wrong answer; only a row without tests is not gradable.
 */
import type { ComponentOf } from '../../contract/reward.ts';
import { columnText, columnValue } from '../../datasets/column-path.ts';
import { fillTexts } from '../fill-text.ts';
import type { Outcome, RewardItem } from '../outcome.ts';
import { notGradable, wrong } from '../outcome.ts';
import { stopWords } from './data-grader.ts';
import { answerFile } from './guest/run-tests.ts';
import { outcomeSchema, parseGuestJson, problemSchema } from './guest-json.ts';
import { GuestStop } from './machine.ts';
import type { Preparation, PreparationContext } from './prepared.ts';
import { UserEngine } from './user-engine.ts';

type CodeReward = ComponentOf<'code'>;

/** Most memory of an answer's program, megabytes. */
const megabytes = 64;
const mostTests = 10_000;

/** A function's name; names joined by dots lead to a method. */
const functionName = /^[\p{ID_Start}$_][\p{ID_Continue}$]*(\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*$/u;

/** The code of an answer: the first code fence where there is one, else all of it. */
export function codeOf(response: string): string {
  return /^[ \t]*```[^\n`]*\n([\s\S]*?)(?:^[ \t]*```|$(?![\s\S]))/m.exec(response)?.[1] ?? response;
}

/** The tests of a row as JSON, or why there are none. */
function testsOf(
  component: CodeReward,
  { row }: RewardItem,
): { readonly list: string } | { readonly problem: string } {
  let tests: unknown = columnValue(row, component.tests);
  if (typeof tests === 'string') {
    try {
      tests = JSON.parse(tests);
    } catch {
      return { problem: `column “${component.tests}” holds no JSON` };
    }
  }
  if (!Array.isArray(tests) || tests.length === 0)
    return { problem: `column “${component.tests}” holds no list of tests` };
  if (tests.length > mostTests)
    return { problem: `column “${component.tests}” holds more than ${mostTests} tests` };
  const bad = tests.findIndex((test: unknown) => !isTest(test));
  if (bad !== -1)
    return { problem: `test ${bad + 1} of column “${component.tests}” is not {"args": […], "expected": …}` };
  return { list: JSON.stringify(tests) };
}

function isTest(test: unknown): boolean {
  return (
    typeof test === 'object' &&
    test !== null &&
    'args' in test &&
    Array.isArray(test.args) &&
    'expected' in test
  );
}

interface Task {
  readonly program: string;
  readonly name: string;
  readonly list: string;
}

function taskOf(
  component: CodeReward,
  before: readonly string[],
  item: RewardItem,
): Task | { readonly problem: string } {
  const tests = testsOf(component, item);
  if ('problem' in tests) return tests;
  const name = columnText(item.row, component.entryPoint).trim();
  if (!functionName.test(name))
    return { problem: `column “${component.entryPoint}” holds no name of a function` };
  const filled = fillTexts(before, item);
  if ('problem' in filled) return filled;
  return { program: `${filled.texts.join('')}${codeOf(item.response)}`, name, list: tests.list };
}

function runTask(engine: UserEngine, { timeout, need }: CodeReward, { program, name, list }: Task): Outcome {
  const { machine } = engine;
  try {
    machine.restore();
    return machine.within(timeout * 1000, () => {
      const result = engine.run(program, answerFile);
      if ('thrown' in result) {
        const { message, line } = parseGuestJson(
          problemSchema,
          engine.call('describeProblem', [result.thrown, answerFile]),
        );
        return wrong(
          `the code does not run: ${line === undefined ? '' : `line ${line}: `}${message.slice(0, 300)}`,
        );
      }
      result.value.dispose();
      const candidate = engine.functionNamed(name);
      if (candidate === undefined) return wrong(`there is no function ${name}`);
      let found = engine.call('beginTests', [candidate, engine.realm, list, need]);
      while (found === '') {
        engine.serve();
        found = engine.call('resumeTests', []);
      }
      return parseGuestJson(outcomeSchema, found);
    });
  } catch (error) {
    if (!(error instanceof GuestStop)) throw error;
    return wrong(
      `the code ${stopWords(error.why)}${error.why === 'time' ? ` (more than ${timeout} s)` : ''}`,
    );
  }
}

/** Makes the engine ready; the component itself has nothing that could be wrong. */
export async function prepareCode(component: CodeReward, { now }: PreparationContext): Promise<Preparation> {
  const open = async (): Promise<UserEngine> => {
    const opened = await UserEngine.open(megabytes, 'still', now);
    opened.machine.keep();
    return opened;
  };
  let engine = await open();
  const before = component.before === '' ? [] : [component.before];
  return {
    ok: true,
    prepared: {
      async grade(item) {
        const task = taskOf(component, before, item);
        if ('problem' in task) return { outcome: notGradable(task.problem), lines: [] };
        if (engine.machine.broken) engine = await open();
        return { outcome: runTask(engine, component, task), lines: [] };
      },
    },
  };
}
