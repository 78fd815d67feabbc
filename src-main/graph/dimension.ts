/**
 * Sizes of tensor axes. A dimension is a number or, where it is known only at run time, a product such as
 * `B*T` or `4*B`, kept as a string in one canonical form so that equal sizes are equal strings.
 */
export type Dimension = number | string;
export type Shape = readonly Dimension[];

interface Product {
  factor: number;
  symbols: string[];
}

function parse(dimension: Dimension): Product {
  if (typeof dimension === 'number') return { factor: dimension, symbols: [] };
  let factor = 1;
  const symbols: string[] = [];
  for (const part of dimension.split('*')) {
    if (/^\d+$/.test(part)) factor *= Number(part);
    else symbols.push(part);
  }
  return { factor, symbols };
}

function format({ factor, symbols }: Product): Dimension {
  if (symbols.length === 0 || factor === 0) return factor;
  const sorted = [...symbols].sort();
  return (factor === 1 ? sorted : [String(factor), ...sorted]).join('*');
}

/** The product of sizes; 1 for none. */
export function multiply(...dimensions: Dimension[]): Dimension {
  const parts = dimensions.map(parse);
  return format({
    factor: parts.reduce((product, part) => product * part.factor, 1),
    symbols: parts.flatMap((part) => part.symbols),
  });
}

/** The number of elements of a tensor. */
export function elementCount(shape: Shape): Dimension {
  return multiply(...shape);
}

/** The base symbols of a size, in canonical order, with its numeric factor. */
export function factors(dimension: Dimension): { factor: number; symbols: readonly string[] } {
  return parse(dimension);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** The value of a size under bindings such as {B: 8, T: 128}. Throws when a symbol has none. */
export function evaluate(dimension: Dimension, bindings: Readonly<Record<string, number>>): number {
  const { factor, symbols } = parse(dimension);
  return symbols.reduce((product, symbol) => {
    const value = bindings[symbol];
    if (value === undefined) throw new Error(`internal: dimension ${symbol} has no value`);
    return product * value;
  }, factor);
}
