/** Speed of one product of two 1024 × 1024 matrices: what this machine can do. */
import { availableParallelism } from 'node:os';
import { randomStream } from '../../contract/random.ts';
import { Graph } from '../../graph/graph.ts';
import { bind, Session } from '../../runtime/session.ts';
import type { Measured } from './stopwatch.ts';
import { median, peakMemory, timed } from './stopwatch.ts';

const size = 1024;
const repeats = 60;
const warmUp = 10;

/** Times ONNX Runtime's product of two matrices; operations a second / 10⁹, a multiply-add counted as two. */
export async function matmulSpeed(): Promise<number> {
  const graph = new Graph();
  const product = graph.gemm(graph.input('a', [size, size]), graph.input('b', [size, size]));
  const session = await Session.create(graph, [{ name: 'c', node: product }]);
  const random = randomStream([1]);
  const matrix = (): Float32Array =>
    Float32Array.from({ length: size * size }, (_, index) => random.uniform(index) - 0.5);
  const feeds = { a: bind(matrix(), [size, size]), b: bind(matrix(), [size, size]) };
  const results = { c: bind(new Float32Array(size * size), [size, size]) };
  const seconds: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    seconds.push(await timed(() => session.run(feeds, results)));
  }
  await session.dispose();
  return (2 * size ** 3) / median(seconds.slice(warmUp)) / 1e9;
}

/** The matrix product alone. */
export async function measureMatmul(): Promise<Measured> {
  return { gflops: await matmulSpeed(), threads: availableParallelism(), memory: peakMemory() };
}
