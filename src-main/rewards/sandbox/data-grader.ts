/**
 * Components that are data, not code: patterns, schemas and the built-in verifiers. Their bundle depends on nothing but the
 * answer, so one state of the engine serves all answers; it is put back only when grading was cut short.
 */
import type { QuickJSContext, QuickJSHandle } from 'quickjs-emscripten';
import type { Outcome, RewardItem } from '../outcome.ts';
import { notGradable } from '../outcome.ts';
import { guestBundles } from './guest-bundles.ts';
import type { StopCause } from './machine.ts';
import { GuestStop, Machine } from './machine.ts';
import type { Preparation, PreparationContext, Problem, SandboxComponent } from './prepared.ts';
import { refused } from './prepared.ts';
import { outcomeSchema, parseGuestJson, problemSchema } from './guest-json.ts';

export type DataComponent = Exclude<SandboxComponent, { kind: 'code' | 'function' }>;

/** Most memory of the engine, megabytes; longest time for one answer and for getting ready, milliseconds. */
const megabytes = 64;
const answerMilliseconds = 500;
const preparationMilliseconds = 5000;

interface Engine {
  readonly machine: Machine;
  readonly context: QuickJSContext;
  readonly grade: QuickJSHandle;
}

/** What a bundle is called, what it grades by, and what is told when that takes too much. */
interface Wording {
  readonly bundle: keyof typeof guestBundles;
  readonly setting: string;
  readonly subject: string;
  readonly advice: string;
}

function wordingOf(component: DataComponent): Wording {
  switch (component.kind) {
    case 'regex':
      return {
        bundle: 'pattern',
        setting: 'pattern',
        subject: 'the pattern',
        advice: 'repetitions inside repetitions, such as (a+)+, try too many ways',
      };
    case 'json-schema':
      return {
        bundle: 'jsonSchema',
        setting: 'schema',
        subject: 'the schema',
        advice: 'look for patterns with repetitions inside repetitions, and for references in a circle',
      };
    default:
      return { bundle: 'verifier', setting: '', subject: 'the check', advice: 'the answer is too large' };
  }
}

/** The settings and the parts of an answer that the bundle reads; the rest need not be copied. */
function itemText(component: DataComponent, item: RewardItem): string {
  switch (component.kind) {
    case 'regex':
      return JSON.stringify({ response: item.response, reference: item.reference });
    case 'json-schema':
      return JSON.stringify({ response: item.response });
    default:
      return JSON.stringify(item);
  }
}

async function openEngine(
  component: DataComponent,
  wording: Wording,
  { now }: PreparationContext,
): Promise<Engine | Problem> {
  const machine = await Machine.create(megabytes, now);
  const context = machine.newContext();
  const place = (path: string): string => (path === '' ? wording.setting : `${wording.setting}: ${path}`);
  try {
    return machine.within(preparationMilliseconds, () => {
      const bundle = machine.evaluate(context, guestBundles[wording.bundle], 'bundle.js');
      if ('thrown' in bundle) throw new GuestStop('broken', 'the bundle cannot be read');
      const prepare = context.getProp(bundle.value, 'prepare');
      const found = machine.call(context, prepare, [JSON.stringify(component)]);
      if (found !== '') {
        const { message, path, advice } = parseGuestJson(problemSchema, found);
        return { message, where: place(path ?? ''), advice };
      }
      const grade = context.getProp(bundle.value, 'grade');
      machine.keep();
      return { machine, context, grade };
    });
  } catch (error) {
    if (!(error instanceof GuestStop)) throw error;
    return {
      message: `${upperFirst(wording.subject)} ${stopWords(error.why)}.`,
      where: wording.setting,
      advice: 'Make it simpler.',
    };
  }
}

/** Why grading was cut short, after the name of what did it. */
export function stopWords(why: StopCause): string {
  switch (why) {
    case 'time':
      return 'took too long';
    case 'memory':
      return 'took too much memory';
    case 'stack':
      return 'is nested too deeply';
    case 'broken':
      return 'could not be run';
  }
}

const upperFirst = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Makes a pattern, a schema or a verifier ready; what is wrong with it is told with its place. */
export async function prepareData(
  component: DataComponent,
  context: PreparationContext,
): Promise<Preparation> {
  const wording = wordingOf(component);
  const opened = await openEngine(component, wording, context);
  if ('message' in opened) return refused(opened);
  let engine = opened;
  const grade = (item: RewardItem): Outcome => {
    const { machine } = engine;
    try {
      return machine.within(answerMilliseconds, () =>
        parseGuestJson(
          outcomeSchema,
          machine.call(engine.context, engine.grade, [itemText(component, item)]),
        ),
      );
    } catch (error) {
      if (!(error instanceof GuestStop)) throw error;
      machine.restore();
      return notGradable(`${wording.subject} ${stopWords(error.why)} on this answer: ${wording.advice}`);
    }
  };
  return {
    ok: true,
    prepared: {
      async grade(item) {
        if (engine.machine.broken) {
          const again = await openEngine(component, wording, context);
          if ('message' in again) throw new Error(`internal: ${again.message}`);
          engine = again;
        }
        return { outcome: grade(item), lines: [] };
      },
    },
  };
}
