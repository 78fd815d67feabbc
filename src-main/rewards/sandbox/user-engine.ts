/**
 * An engine with two worlds: one in which users' code runs, and one beside it from which it is called and judged, and
 * which it cannot reach.
 */
import type { QuickJSContext, QuickJSHandle } from 'quickjs-emscripten';
import { guestBundles } from './guest-bundles.ts';
import { linesSchema, parseGuestJson } from './guest-json.ts';
import { GuestStop, Machine } from './machine.ts';

/** The exports of guest/tools.ts. */
const toolNames = [
  'callReward',
  'settledReward',
  'beginTests',
  'resumeTests',
  'describeProblem',
  'describeThrown',
] as const;
type ToolName = (typeof toolNames)[number];

const openingMilliseconds = 5000;

export class UserEngine {
  readonly machine: Machine;
  readonly #user: QuickJSContext;
  readonly #tools: QuickJSContext;
  readonly #calls: ReadonlyMap<ToolName, QuickJSHandle>;
  /** Exports of guest/user-realm.ts. */
  readonly realm: QuickJSHandle;
  readonly #printed: QuickJSHandle;

  private constructor(machine: Machine, clock: 'none' | 'still') {
    this.machine = machine;
    this.#user = machine.newContext();
    this.#tools = machine.newContext();
    this.realm = trusted(machine, this.#user, guestBundles.realm);
    this.#printed = this.#user.getProp(this.realm, 'printedLines');
    const open = this.#user.getProp(this.realm, 'open');
    machine.call(this.#user, open, [clock]);
    open.dispose();
    const tools = trusted(machine, this.#tools, guestBundles.tools);
    this.#calls = new Map(toolNames.map((name) => [name, this.#tools.getProp(tools, name)]));
  }

  /** @param clock whether code that asks for the time gets a fixed one, or an error */
  static async open(megabytes: number, clock: 'none' | 'still', now: () => number): Promise<UserEngine> {
    const machine = await Machine.create(megabytes, now);
    return machine.within(openingMilliseconds, () => new UserEngine(machine, clock));
  }

  /** Runs a script in the users' world. */
  run(code: string, file: string): { readonly value: QuickJSHandle } | { readonly thrown: QuickJSHandle } {
    return this.machine.evaluate(this.#user, code, file);
  }

  /** The function of this name in the users' world, or undefined. @param name an identifier, or several joined by dots */
  functionNamed(name: string): QuickJSHandle | undefined {
    const [first = ''] = name.split('.');
    const code = `typeof ${first} === 'undefined' ? undefined : typeof ${name} === 'function' ? ${name} : undefined`;
    const found = this.machine.evaluate(this.#user, code, 'name.js');
    if ('thrown' in found) return undefined;
    return this.#user.typeof(found.value) === 'function' ? found.value : undefined;
  }

  /** Calls a tool from the other world. */
  call(tool: ToolName, parameters: readonly (string | QuickJSHandle)[]): string {
    return this.machine.call(this.#tools, this.#calls.get(tool)!, parameters);
  }

  /** Serves the promises of the users' world until nothing waits; false when nothing did. */
  serve(): boolean {
    return this.machine.runJobs(this.#user) > 0;
  }

  printedLines(): readonly string[] {
    return parseGuestJson(linesSchema, this.machine.call(this.#user, this.#printed, []));
  }
}

function trusted(machine: Machine, context: QuickJSContext, bundle: string): QuickJSHandle {
  const result = machine.evaluate(context, bundle, 'bundle.js');
  if ('thrown' in result) throw new GuestStop('broken', 'the bundle cannot be read');
  return result.value;
}
