/** What is written: the bytes read again, field by field. */
import { describe, expect, it } from 'vitest';
import { compile, stopOutputName } from '../../../src-main/graph/compile.ts';
import { Graph } from '../../../src-main/graph/graph.ts';
import { encodeOnnxModel } from '../../../src-main/graph/onnx-model.ts';
import { readOnnx } from '../../helpers/read-onnx.ts';

describe('the wire format', () => {
  it('holds every field of a model', () => {
    const model = readOnnx(
      encodeOnnxModel({
        nodes: [
          {
            type: 'Op',
            domain: 'com.microsoft',
            name: 'n1',
            inputs: ['a', '', 'b'],
            outputs: ['c', 'd'],
            attributes: { whole: -3n, large: 9007199254740993n, real: 0.25, list: [0, -1, 300], text: 'abc' },
          },
          { type: 'Neg', domain: '', name: 'n2', inputs: ['c'], outputs: ['e'], attributes: {} },
        ],
        initializers: [
          { name: 'w', type: 'float32', shape: [2], data: new Uint8Array([0, 0, 128, 63, 0, 0, 0, 64]) },
          { name: 'none', type: 'int64', shape: [0], data: new Uint8Array(0) },
        ],
        inputs: [{ name: 'a', type: 'int32', shape: ['B*T', 7] }],
        outputs: [
          { name: 'e', type: 'float32', shape: [] },
          { name: 'd', type: 'int64', shape: ['B'] },
        ],
        sequenceOutput: null,
      }),
    );
    expect(model).toMatchObject({
      irVersion: 8,
      producer: 'espalier',
      opsets: { '': 17, 'com.microsoft': 1 },
    });
    expect(model.nodes).toEqual([
      {
        type: 'Op',
        domain: 'com.microsoft',
        name: 'n1',
        inputs: ['a', '', 'b'],
        outputs: ['c', 'd'],
        attributes: { whole: -3, large: 9007199254740992, real: 0.25, list: [0, -1, 300], text: 'abc' },
      },
      { type: 'Neg', domain: '', name: 'n2', inputs: ['c'], outputs: ['e'], attributes: {} },
    ]);
    expect(model.initializers.map(({ name, type, shape }) => ({ name, type, shape }))).toEqual([
      { name: 'w', type: 1, shape: [2] },
      { name: 'none', type: 7, shape: [0] },
    ]);
    expect([...new Float32Array(model.initializers[0]!.data!.slice().buffer)]).toEqual([1, 2]);
    expect(model.inputs).toEqual([{ name: 'a', type: 6, isSequence: false, shape: ['B*T', 7] }]);
    expect(model.outputs).toEqual([
      { name: 'e', type: 1, isSequence: false, shape: [] },
      { name: 'd', type: 7, isSequence: false, shape: ['B'] },
    ]);
  });
});

describe('a compiled graph', () => {
  it('feeds inputs and weights, and gives results their names without copies', () => {
    const graph = new Graph();
    const [x, w] = [graph.input('x', ['N', 3]), graph.parameter('w', [2, 3])];
    const product = graph.gemm(x, w, { transposeB: true });
    graph.unary('tanh', x); // not needed by any result
    const compiled = compile(graph, [
      { name: 'product', node: product },
      { name: 'positive', node: graph.unary('exp', product) },
    ]);
    const model = readOnnx(compiled.bytes);
    expect(model.inputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['x', ['N', 3]],
      ['w', [2, 3]],
    ]);
    expect(model.nodes.map(({ type, inputs, outputs }) => [type, inputs, outputs])).toEqual([
      ['Gemm', ['x', 'w'], ['product']],
      ['Exp', ['product'], ['positive']],
    ]);
    expect(model.nodes[0]!.attributes).toEqual({ transA: 0, transB: 1 });
    expect(compiled.nodeCount).toBe(2);
    expect(compiled.parameters).toEqual([
      { name: 'w', type: 'float32', shape: [2, 3], parameters: ['w'], rows: null },
    ]);
    expect(model.outputs.map(({ name }) => name)).toEqual(['product', 'positive']);
  });

  it('copies a result only where a leaf or one node is wanted under several names', () => {
    const graph = new Graph();
    const x = graph.input('x', ['N']);
    const y = graph.unary('exp', x);
    const model = readOnnx(
      compile(graph, [
        { name: 'same', node: x },
        { name: 'one', node: y },
        { name: 'two', node: y },
      ]).bytes,
    );
    expect(model.nodes.map(({ type, outputs }) => [type, outputs[0]])).toEqual(
      expect.arrayContaining([
        ['Identity', 'same'],
        ['Identity', 'one'],
        ['Identity', 'two'],
      ]),
    );
    const produced = model.nodes.flatMap(({ outputs }) => outputs);
    expect(new Set(produced).size).toBe(produced.length);
  });

  it('writes each node after its inputs and each constant once', () => {
    const graph = new Graph();
    const x = graph.input('x', ['B', 'T', 4]);
    const y = graph.scale(graph.addition(graph.scale(x, 2), graph.scale(graph.unary('neg', x), 2)), 3);
    const back = graph.reshape(graph.reshape(y, ['4*B*T']), ['T', '2*B', 2]);
    const model = readOnnx(compile(graph, [{ name: 'y', node: back }]).bytes);
    const known = new Set([...model.inputs, ...model.initializers].map(({ name }) => name));
    for (const { inputs, outputs } of model.nodes) {
      for (const input of inputs) expect(known).toContain(input);
      for (const output of outputs) known.add(output);
    }
    const scalars = model.initializers.filter(({ type, shape }) => type === 1 && shape.length === 0);
    expect(scalars).toHaveLength(2);
  });

  it('starts with the stop output where that is wanted', () => {
    const graph = new Graph();
    const y = { name: 'y', node: graph.unary('exp', graph.input('x', ['N'])) };
    const model = readOnnx(compile(graph, [y], { stopOutput: true }).bytes);
    expect(model.outputs[0]).toEqual({ name: stopOutputName, type: 1, isSequence: true, shape: [] });
    expect(model.nodes.find(({ outputs }) => outputs[0] === stopOutputName)?.type).toBe('SequenceEmpty');
  });

  it('reads stored weights in place, rows of them too, and widens 16 bits', () => {
    const graph = new Graph();
    const x = graph.input('x', ['N', 4]);
    const whole = graph.parameter('whole', [6, 4]);
    const rows = graph.parameter('narrow', [2, 4], [3, 5]);
    const fed = graph.parameter('fed', [4]);
    const sum = graph.addition(
      graph.gemm(x, whole, { transposeB: true, c: graph.reduceSum(fed, [0]) }),
      graph.scalar(0),
    );
    const compiled = compile(
      graph,
      [
        { name: 'a', node: sum },
        { name: 'b', node: graph.gemm(x, rows, { transposeB: true }) },
      ],
      {
        stored: (name) =>
          name === 'fed'
            ? null
            : {
                type: name === 'whole' ? 'float32' : 'bfloat16',
                shape: [6, 4],
                location: 'model-1.safetensors',
                offset: 5_000_000_123,
                byteLength: name === 'whole' ? 96 : 48,
              },
      },
    );
    const model = readOnnx(compiled.bytes);
    const byName = new Map(model.initializers.map((one) => [one.name, one]));
    expect(byName.get('whole')).toEqual({
      name: 'whole',
      type: 1,
      shape: [6, 4],
      data: null,
      external: { location: 'model-1.safetensors', offset: '5000000123', length: '96' },
      dataLocation: 1,
    });
    expect(byName.get('narrow[3:5]')).toMatchObject({
      type: 16,
      shape: [2, 4],
      external: { offset: String(5_000_000_123 + 3 * 8), length: '16' },
    });
    expect(model.nodes.find(({ inputs }) => inputs[0] === 'narrow[3:5]')).toMatchObject({
      type: 'Cast',
      attributes: { to: 1 },
    });
    expect(compiled.parameters.map(({ name }) => name)).toEqual(['fed']);
    expect(model.inputs.map(({ name }) => name)).toEqual(['x', 'fed']);
  });

  it('feeds rows of weights and joined weights under names that say so', () => {
    const graph = new Graph();
    const part = graph.parameter('w', [2, 4], [1, 3]);
    const joined = graph.add({ kind: 'joinedParameter', names: ['q', 'k'], shape: [2, 4] });
    const compiled = compile(graph, [{ name: 'y', node: graph.addition(part, joined) }]);
    expect(compiled.parameters).toEqual([
      { name: 'w[1:3]', type: 'float32', shape: [2, 4], parameters: ['w'], rows: [1, 3] },
      { name: 'q|k', type: 'float32', shape: [2, 4], parameters: ['q', 'k'], rows: null },
    ]);
  });
});
