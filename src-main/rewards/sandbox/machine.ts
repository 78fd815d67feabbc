/**
 * One QuickJS engine inside a WebAssembly memory of a fixed largest size. All that it knows lies in that memory, so its
 * state can be kept and put back: every answer finds the engine exactly as the first one did. Knows nothing of rewards.
 */
import { newQuickJSWASMModuleFromVariant, newVariant, RELEASE_SYNC } from 'quickjs-emscripten';
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime } from 'quickjs-emscripten';

/** Why code inside was ended: out of time, of memory, of stack, or the engine itself broke. */
export type StopCause = 'time' | 'memory' | 'stack' | 'broken';

/** Code inside was ended; what it was to compute is unknown. */
export class GuestStop extends Error {
  readonly why: StopCause;

  constructor(why: StopCause, message: string) {
    super(message);
    this.why = why;
  }
}

/** Size of a page of WebAssembly, and the least memory that the engine is built for. */
const wasmPage = 65_536;
export const leastMegabytes = 16;
/** Grain in which memory is kept: pages that hold nothing are left out. */
const grain = 4096;
/**
 * Stack of the engine's own calls, about 1000 to 2000 deep. Windows gives its programs a stack of 1 MB whatever Node is
 * told; elsewhere the process is started with more (`sandboxNodeOptions`).
 */
const stackBytes = process.platform === 'win32' ? 256 * 1024 : 1024 * 1024;

interface KeptMemory {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** Processor time of this thread in milliseconds: other programs that are at work do not use up an answer's time. */
export function threadMilliseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

export class Machine {
  readonly #memory: WebAssembly.Memory;
  readonly #runtime: QuickJSRuntime;
  readonly #now: () => number;
  readonly #megabytes: number;
  #deadline = Infinity;
  #interrupted = false;
  #broken = false;
  #kept: readonly KeptMemory[] = [];

  private constructor(
    memory: WebAssembly.Memory,
    runtime: QuickJSRuntime,
    megabytes: number,
    now: () => number,
  ) {
    this.#memory = memory;
    this.#runtime = runtime;
    this.#megabytes = megabytes;
    this.#now = now;
  }

  /**
   * @param megabytes most memory, the engine's own included; less than `leastMegabytes` counts as that
   * @param now a clock in milliseconds, by which time limits are measured
   */
  static async create(megabytes: number, now: () => number = threadMilliseconds): Promise<Machine> {
    const pages = (Math.max(megabytes, leastMegabytes) * 1024 * 1024) / wasmPage;
    const memory = new WebAssembly.Memory({
      initial: (leastMegabytes * 1024 * 1024) / wasmPage,
      maximum: pages,
    });
    const variant = newVariant(RELEASE_SYNC, { wasmMemory: memory });
    const runtime = (await newQuickJSWASMModuleFromVariant(variant)).newRuntime();
    const machine = new Machine(memory, runtime, Math.max(megabytes, leastMegabytes), now);
    runtime.setMaxStackSize(stackBytes);
    runtime.setInterruptHandler(() => machine.#outOfTime());
    return machine;
  }

  /** The engine is in an unknown state and must be made anew. */
  get broken(): boolean {
    return this.#broken;
  }

  /** A world of its own: global object and built-in prototypes. */
  newContext(): QuickJSContext {
    return this.#runtime.newContext();
  }

  /** Keeps the present state. No handle that `restore` is to outlive may be made later. */
  keep(): void {
    const words = new Uint32Array(this.#memory.buffer);
    const perGrain = grain / 4;
    const kept: { start: number; end: number }[] = [];
    for (let start = 0; start < words.length; start += perGrain) {
      if (!words.subarray(start, start + perGrain).some((word) => word !== 0)) continue;
      const last = kept.at(-1);
      if (last?.end === start) last.end += perGrain;
      else kept.push({ start, end: start + perGrain });
    }
    const bytes = new Uint8Array(this.#memory.buffer);
    this.#kept = kept.map(({ start, end }) => ({ start: start * 4, bytes: bytes.slice(start * 4, end * 4) }));
  }

  /** Puts the kept state back. What lies outside of it is memory that the engine has not been given yet. */
  restore(): void {
    const bytes = new Uint8Array(this.#memory.buffer);
    for (const { start, bytes: kept } of this.#kept) bytes.set(kept, start);
  }

  /**
   * Lets code run inside for at most so long.
   * @throws GuestStop
   */
  within<T>(milliseconds: number, work: () => T): T {
    this.#deadline = this.#now() + milliseconds;
    this.#interrupted = false;
    try {
      const result = work();
      // The end of its time may have reached the code as the rejection of a promise, which it could handle.
      if (this.#interrupted) throw new GuestStop('time', 'out of time');
      return result;
    } catch (error) {
      if (error instanceof GuestStop) throw error;
      // A trap of WebAssembly or an overflow of the native stack leaves the engine in the middle of something.
      this.#broken = true;
      const overflow = error instanceof RangeError && /call stack/.test(error.message);
      throw new GuestStop(overflow ? 'stack' : 'broken', error instanceof Error ? error.message : 'unknown');
    } finally {
      this.#deadline = Infinity;
    }
  }

  /**
   * The value of a script.
   * @returns the value, or the handle of what was thrown
   * @throws GuestStop when the code ran out of time
   */
  evaluate(
    context: QuickJSContext,
    code: string,
    file: string,
  ): { readonly value: QuickJSHandle } | { readonly thrown: QuickJSHandle } {
    this.#checkSize(code.length);
    const result = context.evalCode(code, file, { type: 'global' });
    if (result.error === undefined) return { value: result.value };
    if (this.#interrupted) throw new GuestStop('time', 'out of time');
    return { thrown: result.error };
  }

  /**
   * Calls a trusted function with texts or values and gives the text that it returns.
   * @throws GuestStop
   */
  call(
    context: QuickJSContext,
    callee: QuickJSHandle,
    parameters: readonly (string | QuickJSHandle)[],
  ): string {
    const made: QuickJSHandle[] = [];
    try {
      const handles = parameters.map((parameter) => {
        if (typeof parameter !== 'string') return parameter;
        this.#checkSize(parameter.length);
        const handle = context.newString(parameter);
        made.push(handle);
        return handle;
      });
      const result = context.callFunction(callee, context.undefined, ...handles);
      if (result.error !== undefined) {
        const stop = this.#stopOf(context, result.error);
        result.error.dispose();
        throw stop;
      }
      const text = context.getString(result.value);
      result.value.dispose();
      return text;
    } finally {
      for (const handle of made) handle.dispose();
    }
  }

  /**
   * Does the waiting steps of promises; how many there were.
   * @throws GuestStop
   */
  runJobs(context: QuickJSContext): number {
    const result = this.#runtime.executePendingJobs();
    if (result.error === undefined) return result.value;
    const stop = this.#stopOf(context, result.error);
    result.error.dispose();
    throw stop;
  }

  /** Asked by the engine every few thousand operations. */
  #outOfTime(): boolean {
    if (this.#now() <= this.#deadline) return false;
    this.#interrupted = true;
    return true;
  }

  /** Texts are copied into the memory; one that does not fit would be written over what is there. */
  #checkSize(length: number): void {
    if (length * 8 > this.#megabytes * 1024 * 1024) throw new GuestStop('memory', 'the text is too long');
  }

  #stopOf(context: QuickJSContext, error: QuickJSHandle): GuestStop {
    if (this.#interrupted) return new GuestStop('time', 'out of time');
    const handle = context.getProp(error, 'message');
    const message = context.typeof(handle) === 'string' ? context.getString(handle) : '';
    handle.dispose();
    if (message === 'out of memory') return new GuestStop('memory', message);
    if (message === 'stack overflow') return new GuestStop('stack', message);
    return new GuestStop('broken', message.slice(0, 500));
  }
}
