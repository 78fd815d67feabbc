/**
 * All weights of a model in one WebAssembly memory, W | m | v | g: weights, moments of AdamW and gradients, each a
 * flat array, matrices first and vectors after them. ONNX Runtime reads weights and writes gradients there without a copy.
 */
import type { AdamWKernel, AdamWStep } from './adamw.ts';
import { bindAdamW } from './adamw.ts';
import { EspalierError } from '../contract/errors.ts';

export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
}

interface Placed extends ParameterShape {
  /** First float of the tensor within each of the four arrays, and its number of floats. */
  readonly start: number;
  readonly count: number;
}

/** Floats that every group of tensors starts at a multiple of: one cache line. */
const alignment = 16;
const pageBytes = 65_536;
const mostBytes = 65_536 * pageBytes;

export class ParameterStore {
  readonly parameters: readonly ParameterShape[];
  /** Number of weights (without padding). */
  readonly count: number;
  readonly #placed: ReadonlyMap<string, Placed>;
  /** The memory of the kernel; weights alone lie in a plain buffer, which is read faster. */
  readonly #buffer: ArrayBuffer;
  readonly #size: number;
  /** Where the vectors, which weight decay leaves alone, begin. */
  readonly #matrixEnd: number;
  readonly #kernel: AdamWKernel | null;
  readonly trainable: boolean;

  private constructor(
    parameters: readonly ParameterShape[],
    placed: ReadonlyMap<string, Placed>,
    buffer: ArrayBuffer,
    size: number,
    matrixEnd: number,
    kernel: AdamWKernel | null,
  ) {
    this.parameters = parameters;
    this.#placed = placed;
    this.#buffer = buffer;
    this.#size = size;
    this.#matrixEnd = matrixEnd;
    this.#kernel = kernel;
    this.trainable = kernel !== null;
    this.count = [...placed.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /**
   * Allocates zeros. `groups` are tensors that must lie one right after the other (they are used as one matrix when
   * sampling). Throws where all does not fit into the 4 GiB of one memory.
   */
  static async create(
    groups: readonly (readonly ParameterShape[])[],
    trainable: boolean,
  ): Promise<ParameterStore> {
    const placed = new Map<string, Placed>();
    let end = 0;
    const align = (): number => (end = Math.ceil(end / alignment) * alignment);
    const isMatrix = (group: readonly ParameterShape[]): boolean => (group[0]?.shape.length ?? 0) >= 2;
    let matrixEnd = 0;
    for (const group of [...groups.filter(isMatrix), null, ...groups.filter((other) => !isMatrix(other))]) {
      align();
      if (group === null) matrixEnd = end;
      for (const { name, shape } of group ?? []) {
        const count = shape.reduce((product, size) => product * size, 1);
        placed.set(name, { name, shape, start: end, count });
        end += count;
      }
    }
    const size = align();
    const bytes = size * 4 * (trainable ? 4 : 1);
    if (bytes > mostBytes) {
      throw new EspalierError(
        'environment',
        'model-too-large',
        `Training all ${end.toLocaleString('en')} weights needs ${(bytes / 1e9).toFixed(1)} GB in one block, more than the 4.3 GB that is possible.`,
        {
          advice: 'Take a model of at most 268 million parameters for training of all weights.',
        },
      );
    }
    if (!trainable)
      return new ParameterStore(groups.flat(), placed, new ArrayBuffer(bytes), size, matrixEnd, null);
    const memory = new WebAssembly.Memory({
      initial: Math.max(1, Math.ceil(bytes / pageBytes)),
      maximum: 65_536,
    });
    return new ParameterStore(groups.flat(), placed, memory.buffer, size, matrixEnd, await bindAdamW(memory));
  }

  get #optimizer(): AdamWKernel {
    if (!this.#kernel) throw new Error('internal: these weights are not for training');
    return this.#kernel;
  }

  #find(name: string): Placed {
    const found = this.#placed.get(name);
    if (!found) throw new Error(`internal: no parameter ${name}`);
    return found;
  }

  has(name: string): boolean {
    return this.#placed.has(name);
  }

  #view(section: number, name: string, rows: readonly [number, number] | null): Float32Array<ArrayBuffer> {
    const { start, count, shape } = this.#find(name);
    const width = rows ? count / (shape[0] ?? 1) : count;
    const [first, last] = rows ?? [0, 1];
    return new Float32Array(
      this.#buffer,
      4 * (section * this.#size + start + first * width),
      (last - first) * width,
    );
  }

  /** The weights of a tensor, or of rows [start, end) of it: a view, not a copy. */
  weights(name: string, rows: readonly [number, number] | null = null): Float32Array<ArrayBuffer> {
    return this.#view(0, name, rows);
  }
  firstMoment(name: string): Float32Array<ArrayBuffer> {
    return this.#view(1, name, null);
  }
  secondMoment(name: string): Float32Array<ArrayBuffer> {
    return this.#view(2, name, null);
  }
  gradient(name: string, rows: readonly [number, number] | null = null): Float32Array<ArrayBuffer> {
    return this.#view(3, name, rows);
  }

  /** Several tensors that lie one right after the other, as one array; null where they don't. */
  joined(names: readonly string[]): Float32Array<ArrayBuffer> | null {
    const parts = names.map((name) => this.#find(name));
    const [first] = parts;
    if (!first) return null;
    let end = first.start;
    for (const { start, count } of parts) {
      if (start !== end) return null;
      end += count;
    }
    return new Float32Array(this.#buffer, 4 * first.start, end - first.start);
  }

  /** A copy of all weights, laid out as here. */
  copyWeights(): Float32Array {
    return new Float32Array(this.#buffer, 0, this.#size).slice();
  }
  /** The view of a tensor inside such a copy. */
  inCopy(copy: Float32Array, name: string, rows: readonly [number, number] | null = null): Float32Array {
    const { byteOffset, length } = this.weights(name, rows);
    return copy.subarray(byteOffset / 4, byteOffset / 4 + length);
  }

  clearGradients(): void {
    new Float32Array(this.#buffer, 4 * 3 * this.#size, this.#size).fill(0);
  }

  /** Global norm of the gradient, summed in double precision. */
  gradientNorm(): number {
    return Math.sqrt(this.#optimizer.sumOfSquares(4 * 3 * this.#size, this.#size));
  }

  /** One AdamW update of all weights. Weight decay acts on tensors with two or more axes only. */
  update(step: AdamWStep): void {
    const update = (start: number, count: number, weightDecay: number): void => {
      const at = (section: number): number => 4 * (section * this.#size + start);
      this.#optimizer.update(
        { weights: at(0), firstMoment: at(1), secondMoment: at(2), gradient: at(3), count },
        { ...step, weightDecay },
      );
    };
    update(0, this.#matrixEnd, step.weightDecay);
    update(this.#matrixEnd, this.#size - this.#matrixEnd, 0);
  }
}
