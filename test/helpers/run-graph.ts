/** Runs a graph once through ONNX Runtime, on feeds made for the evaluator. */
import type { Output } from '../../src-main/graph/compile.ts';
import type { Graph } from '../../src-main/graph/graph.ts';
import type { ElementType } from '../../src-main/graph/operation.ts';
import type { Data, SessionOptions } from '../../src-main/runtime/session.ts';
import { bind, Session } from '../../src-main/runtime/session.ts';
import type { Feeds, Tensor } from './evaluate-graph.ts';

function toData(type: ElementType, { data }: Tensor): Data {
  if (type === 'int32') return Int32Array.from(data);
  if (type === 'int64') return BigInt64Array.from(data, BigInt);
  return Float32Array.from(data);
}

/** The results in the order of `outputs`; `shapes` are their sizes at run time. */
export async function runGraph(
  graph: Graph,
  outputs: readonly Output[],
  shapes: readonly (readonly number[])[],
  feeds: Feeds,
  options: SessionOptions = {},
): Promise<Float32Array[]> {
  const session = await Session.create(graph, outputs, { threads: 1, ...options });
  const arrays = shapes.map((shape) =>
    new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(NaN),
  );
  try {
    const { inputs, parameters } = session.compiled;
    await session.run(
      Object.fromEntries([
        ...inputs.map(
          ({ name, type }) => [name, bind(toData(type, feeds[name]!), feeds[name]!.shape)] as const,
        ),
        ...parameters.map(({ name, parameters: [only], rows, shape }) => {
          const whole = feeds[only!]!;
          const width = whole.data.length / (whole.shape[0] ?? 1);
          const data = rows ? whole.data.slice(rows[0] * width, rows[1] * width) : whole.data;
          return [name, bind(Float32Array.from(data), shape.map(Number))] as const;
        }),
      ]),
      Object.fromEntries(outputs.map(({ name }, index) => [name, bind(arrays[index]!, shapes[index]!)])),
    );
  } finally {
    await session.dispose();
  }
  return arrays;
}
