/**
 * For each operation: what reaches its inputs when a gradient reaches its result, as more nodes of the same
 * graph. Rules may ask for values of the forward pass; equal nodes are shared, so nothing is computed twice.
 */
import { sameShape } from './dimension.ts';
import type { Graph, GraphNode } from './graph.ts';
import type { OperationKind, OperationOf } from './operation.ts';

/** What a rule may do with the gradient of a node. */
export interface Backward<K extends OperationKind> {
  readonly graph: Graph;
  readonly operation: OperationOf<K>;
  readonly inputs: readonly GraphNode[];
  readonly output: GraphNode;
  /** Gradient of the loss with respect to the result; same shape. */
  readonly gradient: GraphNode;
  /** Whether the gradient of this input is wanted. */
  readonly wants: (index: number) => boolean;
  /** Adds to the gradient of an input; summed down to its shape where that was broadcast. */
  readonly give: (index: number, gradient: GraphNode) => void;
  /** Adds rows [n, d] at ids [n] to the gradient of a table; done outside the graph. */
  readonly giveRows: (index: number, ids: GraphNode, rows: GraphNode) => void;
}

type GradientRule<K extends OperationKind> = (backward: Backward<K>) => void;
/** Reason why nothing flows back through an operation; asking for it is a bug of the network. */
interface NotDifferentiable {
  readonly refused: string;
}

/** Sums a gradient over the axes along which a tensor of this shape was broadcast. */
export function sumTo(graph: Graph, gradient: GraphNode, shape: readonly (number | string)[]): GraphNode {
  if (sameShape(gradient.shape, shape)) return gradient;
  const extra = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((dimension, axis) =>
    axis < extra || (shape[axis - extra] === 1 && dimension !== 1) ? [axis] : [],
  );
  return graph.reshape(graph.reduceSum(gradient, axes), shape);
}

function node(nodes: readonly GraphNode[], index: number): GraphNode {
  const found = nodes[index];
  if (!found) throw new Error(`internal: gradient rule asks for input ${index}`);
  return found;
}

/** Probabilities below this count as this in a logarithm; times themselves they vanish anyway. */
const smallestProbability = 1e-37;

export const gradientRules: { [K in OperationKind]: GradientRule<K> | NotDifferentiable } = {
  input: () => undefined,
  parameter: () => undefined,
  joinedParameter: { refused: 'joined weights are for inference' },
  scalar: () => undefined,
  detach: () => undefined,
  lessOrEqual: () => undefined,

  neg: ({ graph, gradient, give }) => give(0, graph.unary('neg', gradient)),
  exp: ({ graph, gradient, output, give }) => give(0, graph.multiply(gradient, output)),
  log: ({ graph, gradient, inputs, give }) => give(0, graph.binary('div', gradient, node(inputs, 0))),
  sqrt: ({ graph, gradient, output, give }) =>
    give(0, graph.binary('div', graph.scale(gradient, 0.5), output)),
  reciprocal: ({ graph, gradient, output, give }) =>
    give(0, graph.unary('neg', graph.multiply(gradient, graph.multiply(output, output)))),
  tanh: ({ graph, gradient, output, give }) =>
    give(0, graph.multiply(gradient, graph.subtract(graph.scalar(1), graph.multiply(output, output)))),
  sigmoid: ({ graph, gradient, output, give }) =>
    give(0, graph.multiply(gradient, graph.multiply(output, graph.subtract(graph.scalar(1), output)))),
  erf({ graph, gradient, inputs, give }) {
    const x = node(inputs, 0);
    const bell = graph.scale(
      graph.unary('exp', graph.unary('neg', graph.multiply(x, x))),
      2 / Math.sqrt(Math.PI),
    );
    give(0, graph.multiply(gradient, bell));
  },
  silu({ graph, gradient, inputs, output, give }) {
    // d x·σ(x) = σ + y − y·σ with y = x·σ
    const sigmoid = graph.unary('sigmoid', node(inputs, 0));
    const slope = graph.addition(sigmoid, graph.subtract(output, graph.multiply(output, sigmoid)));
    give(0, graph.multiply(gradient, slope));
  },
  gatedSilu({ graph, gradient, inputs, give }) {
    // With t = dy·σ: d up = t·gate and d gate = t·up·(1 + gate·(1 − σ)). Every product hangs on dy, so that none
    // of them is computed, and kept, while the forward pass is still running.
    const [gate, sigmoid, up] = [node(inputs, 0), node(inputs, 1), node(inputs, 2)];
    const t = graph.multiply(gradient, sigmoid);
    give(2, graph.multiply(t, gate));
    const v = graph.multiply(t, up);
    const w = graph.multiply(v, gate);
    give(0, graph.subtract(graph.addition(v, w), graph.multiply(w, sigmoid)));
  },

  add({ gradient, give }) {
    give(0, gradient);
    give(1, gradient);
  },
  sub({ graph, gradient, wants, give }) {
    give(0, gradient);
    if (wants(1)) give(1, graph.unary('neg', gradient));
  },
  mul({ graph, gradient, inputs, wants, give }) {
    if (wants(0)) give(0, graph.multiply(gradient, node(inputs, 1)));
    if (wants(1)) give(1, graph.multiply(gradient, node(inputs, 0)));
  },
  div({ graph, gradient, inputs, output, wants, give }) {
    const share = graph.binary('div', gradient, node(inputs, 1));
    if (wants(0)) give(0, share);
    if (wants(1)) give(1, graph.unary('neg', graph.multiply(share, output)));
  },
  // At a tie the whole gradient goes to the second input of max and to the first of min, as clip conventions want it.
  max({ graph, gradient, inputs, wants, give }) {
    const second = graph.lessOrEqual(node(inputs, 0), node(inputs, 1));
    if (wants(0)) give(0, graph.multiply(gradient, graph.subtract(graph.scalar(1), second)));
    if (wants(1)) give(1, graph.multiply(gradient, second));
  },
  min({ graph, gradient, inputs, wants, give }) {
    const first = graph.lessOrEqual(node(inputs, 0), node(inputs, 1));
    if (wants(0)) give(0, graph.multiply(gradient, first));
    if (wants(1)) give(1, graph.multiply(gradient, graph.subtract(graph.scalar(1), first)));
  },

  gemm({ graph, operation: { transposeA, transposeB }, gradient, inputs, wants, give }) {
    const [a, b] = [node(inputs, 0), node(inputs, 1)];
    if (wants(0)) {
      give(
        0,
        transposeA
          ? graph.gemm(b, gradient, { transposeA: transposeB, transposeB: true })
          : graph.gemm(gradient, b, { transposeB: !transposeB }),
      );
    }
    if (wants(1)) {
      give(
        1,
        transposeB
          ? graph.gemm(gradient, a, { transposeA: true, transposeB: transposeA })
          : graph.gemm(a, gradient, { transposeA: !transposeA }),
      );
    }
    if (inputs.length === 3) give(2, gradient);
  },
  matmul({ graph, operation: { transposeA, transposeB, alpha }, gradient, inputs, wants, give }) {
    const [a, b] = [node(inputs, 0), node(inputs, 1)];
    if (wants(0)) {
      give(
        0,
        transposeA
          ? graph.matmul(b, gradient, { transposeA: transposeB, transposeB: true, alpha })
          : graph.matmul(gradient, b, { transposeB: !transposeB, alpha }),
      );
    }
    if (wants(1)) {
      give(
        1,
        transposeB
          ? graph.matmul(gradient, a, { transposeA: true, transposeB: transposeA, alpha })
          : graph.matmul(a, gradient, { transposeA: !transposeA, alpha }),
      );
    }
  },

  transpose({ graph, operation: { permutation }, gradient, give }) {
    give(
      0,
      graph.transpose(
        gradient,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
    );
  },
  reshape: ({ graph, gradient, inputs, give }) => give(0, graph.reshape(gradient, node(inputs, 0).shape)),
  slice({ graph, operation: { axis, start, end }, gradient, inputs, give }) {
    const { shape } = node(inputs, 0);
    const size = shape[axis];
    if (typeof size !== 'number') throw new Error('internal: slice of an axis of unknown size');
    // Zeros of the missing parts, made from the gradient so that they have its other axes.
    const zeros = (width: number): GraphNode[] => {
      if (width === 0) return [];
      const column = graph.scale(graph.slice(gradient, axis, 0, 1), 0);
      return Array.from({ length: width }, () => column);
    };
    give(0, graph.concat([...zeros(start), gradient, ...zeros(size - end)], axis));
  },
  concat({ graph, operation: { axis }, gradient, inputs, wants, give }) {
    let start = 0;
    inputs.forEach(({ shape }, index) => {
      const size = shape[axis];
      if (typeof size !== 'number') throw new Error('internal: concat of an axis of unknown size');
      if (wants(index)) give(index, graph.slice(gradient, axis, start, start + size));
      start += size;
    });
  },

  // Multiplying by ones of the input's shape would need them; adding a zero of that shape broadcasts as well.
  reduceSum: ({ graph, gradient, inputs, give }) =>
    give(0, graph.addition(gradient, graph.scale(node(inputs, 0), 0))),
  reduceMax: { refused: 'a maximum here is a shift that cancels: detach it' },
  softmax({ graph, gradient, output, give }) {
    const inner = graph.reduceSum(graph.multiply(gradient, output), [output.shape.length - 1]);
    give(0, graph.multiply(output, graph.subtract(gradient, inner)));
  },

  embed: ({ gradient, inputs, wants, giveRows }) => {
    if (wants(0)) giveRows(0, node(inputs, 1), gradient);
  },
  pickRows: ({ graph, gradient, inputs, give }) =>
    give(0, graph.placeRows(gradient, node(inputs, 1), node(inputs, 2))),
  placeRows: ({ graph, gradient, inputs, give }) =>
    give(0, graph.pickRows(gradient, node(inputs, 1), node(inputs, 2))),

  rope({ graph, gradient, inputs, give }) {
    // The inverse of a rotation is the rotation by the opposite angle.
    give(0, graph.rope(gradient, node(inputs, 1), node(inputs, 2), graph.unary('neg', node(inputs, 3))));
  },
  attend({ graph, gradient, inputs, output, wants, give }) {
    const [, weights, values] = [node(inputs, 0), node(inputs, 1), node(inputs, 2)];
    if (wants(0)) {
      // Σ_j dP_ij P_ij = Σ_d dO_id O_id: the sum over keys without a pass over [T, T].
      const inner = graph.reduceSum(graph.multiply(gradient, output), [output.shape.length - 1]);
      const toWeights = graph.matmul(gradient, values, { transposeB: true });
      give(0, graph.multiply(weights, graph.subtract(toWeights, inner)));
    }
    if (wants(2)) give(2, graph.matmul(weights, gradient, { transposeA: true }));
  },
  rmsNorm({ graph, gradient, inputs, wants, give }) {
    const [x, r, w] = [node(inputs, 0), node(inputs, 1), node(inputs, 2)];
    const width = x.shape[1];
    if (typeof width !== 'number') throw new Error('internal: norm over an axis of unknown size');
    const p = graph.multiply(gradient, x);
    if (wants(2)) give(2, graph.reshape(graph.gemm(r, p, { transposeA: true }), w.shape));
    if (wants(0)) {
      const m = graph.gemm(p, graph.reshape(w, [width, 1]));
      const cube = graph.multiply(graph.multiply(r, r), r);
      const pull = graph.multiply(x, graph.multiply(cube, graph.scale(m, 1 / width)));
      give(0, graph.subtract(graph.multiply(graph.multiply(gradient, w), r), pull));
    }
  },
  layerNorm({ graph, gradient, inputs, wants, give }) {
    const [x, mean, inverse, w] = [node(inputs, 0), node(inputs, 1), node(inputs, 2), node(inputs, 3)];
    const normalised = graph.multiply(graph.subtract(x, mean), inverse);
    if (wants(3)) give(3, graph.multiply(gradient, normalised));
    give(4, gradient);
    if (wants(0)) {
      const scaled = graph.multiply(gradient, w);
      const pull = graph.multiply(normalised, graph.mean(graph.multiply(scaled, normalised)));
      give(0, graph.multiply(inverse, graph.subtract(graph.subtract(scaled, graph.mean(scaled)), pull)));
    }
  },
  logProbability({ graph, operation: { slices }, gradient, inputs, wants, give }) {
    // log p = h·e_target − lse. With P the softmax: d h = c·(e_target − Σ P·E), d E = −Pᵀ·(c·h), and +c·h on the target row.
    const [h, target] = [node(inputs, 0), node(inputs, 1)];
    const weighted = graph.multiply(gradient, h);
    let expected: GraphNode | undefined;
    for (let slice = 0; slice < slices; slice++) {
      const [rows, probabilities, share] = [
        node(inputs, 4 + 3 * slice),
        node(inputs, 5 + 3 * slice),
        node(inputs, 6 + 3 * slice),
      ];
      const part =
        slices === 1
          ? graph.gemm(probabilities, rows)
          : graph.multiply(share, graph.gemm(probabilities, rows));
      expected = expected ? graph.addition(expected, part) : part;
      if (wants(4 + 3 * slice)) {
        const factor = graph.unary('neg', slices === 1 ? weighted : graph.multiply(share, weighted));
        give(4 + 3 * slice, graph.gemm(probabilities, factor, { transposeA: true }));
      }
    }
    if (wants(0) && expected) give(0, graph.multiply(gradient, graph.subtract(target, expected)));
    if (wants(1)) give(1, weighted);
  },
  entropy({ graph, operation: { slices }, gradient, inputs, output, wants, give }) {
    // H = lse − Σ p z, so dH/dz = −p·(log p + H). With W that product of a slice: d h = −c·Σ W·E, d E = −Wᵀ·(c·h).
    const [h, logSum] = [node(inputs, 0), node(inputs, 2)];
    const weighted = graph.multiply(gradient, h);
    // Hangs on the finished forward pass, so that no [m, v] is made, and kept, before the backward pass.
    const floor = graph.addition(graph.scale(output, 0), graph.scalar(smallestProbability));
    let pull: GraphNode | undefined;
    for (let slice = 0; slice < slices; slice++) {
      const [rows, probabilities, share, ownLogSum] = [
        node(inputs, 3 + 4 * slice),
        node(inputs, 4 + 4 * slice),
        node(inputs, 5 + 4 * slice),
        node(inputs, 6 + 4 * slice),
      ];
      // log p of the whole vocabulary is that of the slice plus the logarithm of its share.
      const shift = slices === 1 ? output : graph.addition(output, graph.subtract(ownLogSum, logSum));
      const logs = graph.unary('log', graph.binary('max', probabilities, floor));
      const slope = graph.multiply(probabilities, graph.addition(logs, shift));
      const part = graph.gemm(slope, rows);
      const shared = slices === 1 ? part : graph.multiply(share, part);
      pull = pull ? graph.addition(pull, shared) : shared;
      if (wants(3 + 4 * slice)) {
        const factor = graph.unary('neg', slices === 1 ? weighted : graph.multiply(share, weighted));
        give(3 + 4 * slice, graph.gemm(slope, factor, { transposeA: true }));
      }
    }
    if (wants(0) && pull) give(0, graph.unary('neg', graph.multiply(gradient, pull)));
  },
  fusedRmsNorm: { refused: 'the fused norm is for inference; rmsNorm has a gradient' },
  cachedAttention: { refused: 'attention over a cache is for inference' },
};
