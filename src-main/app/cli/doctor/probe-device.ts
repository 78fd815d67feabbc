/**
 * A program of its own, run by `doctor` for each device: one small matrix product on it, the answer as JSON. A driver
 * that crashes takes only this process with it. Usage: node probe-device.ts NAME
 */
import { compile } from '../../../graph/compile.ts';
import { Graph } from '../../../graph/graph.ts';
import * as ort from 'onnxruntime-node';

const size = 64;

async function probe(
  device: string,
): Promise<{ works: boolean; problem: string | null; milliseconds: number }> {
  const graph = new Graph();
  const left = graph.input('left', [size, size]);
  const right = graph.input('right', [size, size]);
  const model = compile(graph, [{ name: 'product', node: graph.gemm(left, right) }]);
  const session = await ort.InferenceSession.create(model.bytes, {
    executionProviders: [device],
    logSeverityLevel: 4,
  });
  // Row i of the left matrix is i everywhere and the right one is all ones: entry (i, j) of the product is i × size.
  const rows = Float32Array.from({ length: size * size }, (_, index) => Math.floor(index / size));
  const shape = [size, size];
  const begun = performance.now();
  const results = await session.run({
    left: new ort.Tensor('float32', rows, shape),
    right: new ort.Tensor('float32', new Float32Array(size * size).fill(1), shape),
  });
  const milliseconds = performance.now() - begun;
  const product = results['product']?.data;
  const correct =
    product instanceof Float32Array &&
    product.every((value, index) => value === Math.floor(index / size) * size);
  await session.release();
  return { works: correct, problem: correct ? null : 'The product of two matrices was wrong.', milliseconds };
}

try {
  process.stdout.write(`${JSON.stringify(await probe(process.argv[2] ?? 'cpu'))}\n`);
} catch (error) {
  const problem = error instanceof Error ? error.message : String(error);
  process.stdout.write(`${JSON.stringify({ works: false, problem, milliseconds: 0 })}\n`);
}
