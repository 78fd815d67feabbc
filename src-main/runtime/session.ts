/** A compiled graph loaded into ONNX Runtime: fed with plain arrays, results written into arrays of the caller. */
import { availableParallelism } from 'node:os';
import ort from 'onnxruntime-node';
import type { CompiledGraph, CompileOptions, Output } from '../graph/compile.ts';
import { compile } from '../graph/compile.ts';
import type { Graph } from '../graph/graph.ts';
import { runWithStop, stopOutputWorks } from './stop-output.ts';

export type Data = Float32Array | Int32Array | BigInt64Array;

/** A tensor that lives in an array of the caller; keep and reuse it, making one costs as much as a small run. */
export type BoundTensor = ort.Tensor;

/** Wraps row-major numbers of a tensor of this shape; float32, int32 or int64 after the kind of array. */
export function bind(data: Data, shape: readonly number[]): BoundTensor {
  if (data instanceof Float32Array) return new ort.Tensor('float32', data, [...shape]);
  if (data instanceof Int32Array) return new ort.Tensor('int32', data, [...shape]);
  return new ort.Tensor('int64', data, [...shape]);
}

export interface SessionOptions extends Pick<CompileOptions, 'stored'> {
  /** Folder of the files that stored weights are read from. */
  readonly storedFolder?: string;
  /** Threads of matrix products; all cores when left out. */
  readonly threads?: number;
  /** For programs that use two sessions at the same time: waiting threads sleep instead of spinning. */
  readonly sleepWhenIdle?: boolean;
  /** Lets the binding copy results, as it must where the stop output does not work; slower, same numbers. */
  readonly copyResults?: boolean;
}

/** What users of sessions may choose. */
export type SessionChoices = Pick<SessionOptions, 'threads' | 'sleepWhenIdle' | 'copyResults'>;

export class Session {
  readonly compiled: CompiledGraph;
  readonly #session: ort.InferenceSession;
  readonly #stops: boolean;

  private constructor(compiled: CompiledGraph, session: ort.InferenceSession, stops: boolean) {
    this.compiled = compiled;
    this.#session = session;
    this.#stops = stops;
  }

  /** Compiles and loads a graph on the CPU. */
  static async create(
    graph: Graph,
    outputs: readonly Output[],
    options: SessionOptions = {},
  ): Promise<Session> {
    const stops = options.copyResults !== true && (await stopOutputWorks());
    const compiled = compile(graph, outputs, {
      stopOutput: stops,
      ...(options.stored ? { stored: options.stored } : {}),
    });
    const session = await ort.InferenceSession.create(compiled.bytes, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'disabled',
      enableMemPattern: false,
      intraOpNumThreads: options.threads ?? availableParallelism(),
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      extra: {
        session: {
          ...(options.sleepWhenIdle ? { intra_op: { allow_spinning: '0' } } : { force_spinning_stop: '1' }),
          ...(options.storedFolder === undefined
            ? {}
            : { model_external_initializers_file_folder_path: options.storedFolder }),
        },
      },
    });
    return new Session(compiled, session, stops);
  }

  /** Runs once; returns when `results` are filled. Every output of the graph must be among them. */
  async run(feeds: Record<string, BoundTensor>, results: Record<string, BoundTensor>): Promise<void> {
    if (this.#stops) await runWithStop(this.#session, feeds, results);
    else await this.#session.run(feeds, results);
  }

  async dispose(): Promise<void> {
    await this.#session.release();
  }
}
