/** Which fed value tells the size behind each symbol at run time. */
import { factors } from './dimension.ts';
import type { GraphNode } from './graph.ts';

export interface SymbolSource {
  readonly node: GraphNode;
  readonly axis: number;
  /** Other symbols of the product that the axis has, whose sizes must be divided out. */
  readonly others: readonly string[];
}

/** Sources of all symbols that the inputs among these nodes tell, directly or through a product such as B*S with B known. */
export function symbolSources(nodes: readonly GraphNode[]): Map<string, SymbolSource> {
  const sources = new Map<string, SymbolSource>();
  const axes = nodes
    .filter(({ operation }) => operation.kind === 'input')
    .flatMap((node) => node.shape.map((dimension, axis) => ({ node, axis, ...factors(dimension) })))
    .filter(({ factor, symbols }) => factor === 1 && symbols.length > 0)
    .sort((a, b) => a.symbols.length - b.symbols.length);
  for (const { node, axis, symbols } of axes) {
    const [unknown, ...more] = symbols.filter((symbol) => !sources.has(symbol));
    if (unknown === undefined || more.length > 0) continue;
    sources.set(unknown, { node, axis, others: symbols.toSpliced(symbols.indexOf(unknown), 1) });
  }
  return sources;
}
