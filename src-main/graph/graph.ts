/**
 * A graph under construction: nodes in order of creation, each with its shape and type. Equal operations on
 * equal inputs are one node, so a gradient rule that asks for a value of the forward pass gets that very value.
 */
import type { Dimension, Shape } from './dimension.ts';
import { multiply } from './dimension.ts';
import type {
  BinaryKind,
  ElementType,
  Operation,
  OperationKind,
  OperationOf,
  UnaryKind,
} from './operation.ts';
import { inferType, shapeRules } from './shape-rules.ts';

export interface GraphNode<K extends OperationKind = OperationKind> {
  readonly id: number;
  readonly operation: OperationOf<K>;
  readonly inputs: readonly GraphNode[];
  readonly shape: Shape;
  readonly type: ElementType;
}

/** Thrown when an operation cannot take its inputs; names operation and shapes. Always a bug of a network or rule. */
export class GraphError extends Error {
  constructor(kind: OperationKind, inputs: readonly GraphNode[], problem: string) {
    const shapes = inputs.map(
      (input) => `${input.type}[${input.shape.join(', ')}] (#${input.id} ${input.operation.kind})`,
    );
    super(`internal: ${kind}(${shapes.join(', ')}): ${problem}`);
    this.name = 'GraphError';
  }
}

export class Graph {
  readonly nodes: GraphNode[] = [];
  readonly #known = new Map<string, GraphNode>();

  /** Adds an operation, or returns the node that already computes it. */
  add<K extends OperationKind>(operation: OperationOf<K>, inputs: readonly GraphNode[] = []): GraphNode {
    const key = `${JSON.stringify(operation)}(${inputs.map((input) => input.id).join(',')})`;
    const known = this.#known.get(key);
    if (known) return known;
    const fail = (problem: string): never => {
      throw new GraphError(operation.kind, inputs, problem);
    };
    const general: Operation = operation;
    const rule = shapeRules[general.kind] as (
      op: Operation,
      inputs: readonly GraphNode[],
      fail: (problem: string) => never,
    ) => Shape;
    const shape = rule(general, inputs, fail);
    const node: GraphNode = {
      id: this.nodes.length,
      operation: general,
      inputs,
      shape,
      type: inferType(general, inputs, fail),
    };
    this.nodes.push(node);
    this.#known.set(key, node);
    return node;
  }

  input(name: string, shape: Shape, type: ElementType = 'float32'): GraphNode {
    return this.add({ kind: 'input', name, shape, type });
  }
  parameter(name: string, shape: Shape, rows: readonly [number, number] | null = null): GraphNode {
    return this.add({ kind: 'parameter', name, shape, rows });
  }
  scalar(value: number): GraphNode {
    return this.add({ kind: 'scalar', value });
  }
  unary(kind: UnaryKind, x: GraphNode): GraphNode {
    return this.add({ kind }, [x]);
  }
  binary(kind: BinaryKind, a: GraphNode, b: GraphNode): GraphNode {
    return this.add({ kind }, [a, b]);
  }
  addition(a: GraphNode, b: GraphNode): GraphNode {
    return this.binary('add', a, b);
  }
  subtract(a: GraphNode, b: GraphNode): GraphNode {
    return this.binary('sub', a, b);
  }
  multiply(a: GraphNode, b: GraphNode): GraphNode {
    return this.binary('mul', a, b);
  }
  /** x times a number. */
  scale(x: GraphNode, by: number): GraphNode {
    return by === 1 ? x : this.multiply(x, this.scalar(by));
  }
  lessOrEqual(a: GraphNode, b: GraphNode): GraphNode {
    return this.add({ kind: 'lessOrEqual' }, [a, b]);
  }
  detach(x: GraphNode): GraphNode {
    return this.add({ kind: 'detach' }, [x]);
  }
  /** a · b (+ c), two axes each. */
  gemm(
    a: GraphNode,
    b: GraphNode,
    options: { transposeA?: boolean; transposeB?: boolean; c?: GraphNode | undefined } = {},
  ): GraphNode {
    const { transposeA = false, transposeB = false, c } = options;
    return this.add({ kind: 'gemm', transposeA, transposeB }, c ? [a, b, c] : [a, b]);
  }
  matmul(
    a: GraphNode,
    b: GraphNode,
    options: { transposeA?: boolean; transposeB?: boolean; alpha?: number } = {},
  ): GraphNode {
    const { transposeA = false, transposeB = false, alpha = 1 } = options;
    return this.add({ kind: 'matmul', transposeA, transposeB, alpha }, [a, b]);
  }
  transpose(x: GraphNode, permutation: readonly number[]): GraphNode {
    return this.add({ kind: 'transpose', permutation }, [x]);
  }
  reshape(x: GraphNode, shape: Shape): GraphNode {
    return x.shape.length === shape.length && x.shape.every((dimension, axis) => dimension === shape[axis])
      ? x
      : this.add({ kind: 'reshape', shape }, [x]);
  }
  slice(x: GraphNode, axis: number, start: number, end: number): GraphNode {
    return this.add({ kind: 'slice', axis, start, end }, [x]);
  }
  concat(parts: readonly GraphNode[], axis: number): GraphNode {
    return parts.length === 1 && parts[0] ? parts[0] : this.add({ kind: 'concat', axis }, parts);
  }
  reduceSum(x: GraphNode, axes: readonly number[]): GraphNode {
    return this.add({ kind: 'reduceSum', axes }, [x]);
  }
  reduceMax(x: GraphNode): GraphNode {
    return this.add({ kind: 'reduceMax' }, [x]);
  }
  softmax(x: GraphNode): GraphNode {
    return this.add({ kind: 'softmax' }, [x]);
  }
  embed(table: GraphNode, ids: GraphNode): GraphNode {
    return this.add({ kind: 'embed' }, [table, ids]);
  }
  pickRows(x: GraphNode, rows: GraphNode, inverse: GraphNode): GraphNode {
    return this.add({ kind: 'pickRows' }, [x, rows, inverse]);
  }
  placeRows(y: GraphNode, rows: GraphNode, inverse: GraphNode): GraphNode {
    return this.add({ kind: 'placeRows' }, [y, rows, inverse]);
  }
  gatedSilu(gate: GraphNode, up: GraphNode): GraphNode {
    return this.add({ kind: 'gatedSilu' }, [gate, this.unary('sigmoid', gate), up]);
  }
  rope(x: GraphNode, positions: GraphNode, cos: GraphNode, sin: GraphNode): GraphNode {
    return this.add({ kind: 'rope' }, [x, positions, cos, sin]);
  }
  /** softmax(scores) · values. */
  attend(scores: GraphNode, values: GraphNode): GraphNode {
    return this.add({ kind: 'attend' }, [scores, this.softmax(scores), values]);
  }
  /** 1 / sqrt(mean(x²) + eps) over the last of two axes: [n, 1]. */
  inverseRootMeanSquare(x: GraphNode, eps: number): GraphNode {
    const mean = this.mean(this.multiply(x, x));
    return this.unary('reciprocal', this.unary('sqrt', this.addition(mean, this.scalar(eps))));
  }
  /** Mean over the last axis, which stays as 1. */
  mean(x: GraphNode): GraphNode {
    const width = x.shape.at(-1);
    if (typeof width !== 'number')
      throw new GraphError('reduceSum', [x], 'the last axis must have a known size');
    return this.scale(this.reduceSum(x, [x.shape.length - 1]), 1 / width);
  }
  rmsNorm(x: GraphNode, weight: GraphNode, eps: number): GraphNode {
    return this.add({ kind: 'rmsNorm' }, [x, this.inverseRootMeanSquare(x, eps), weight]);
  }
  layerNorm(x: GraphNode, weight: GraphNode, bias: GraphNode, eps: number): GraphNode {
    const mean = this.mean(x);
    const inverse = this.inverseRootMeanSquare(this.subtract(x, mean), eps);
    return this.add({ kind: 'layerNorm' }, [x, mean, inverse, weight, bias]);
  }
}

/** [a, b, c] → [a·b, c]: all axes but the last become one. */
export function flattenedRows(shape: Shape): readonly [Dimension, Dimension] {
  return [multiply(...shape.slice(0, -1)), shape.at(-1) ?? 1];
}
