/**
 * How many different texts were seen: exactly up to a limit, beyond it estimated in fixed memory by HyperLogLog
 * (Flajolet, Fusy, Gandouet, Meunier 2007), with a standard error of 0.8 %.
 */

const EXACT = 10_000;
const INDEX_BITS = 14;
const REGISTERS = 1 << INDEX_BITS;

/** Two mixed 32-bit hashes of a text (MurmurHash3's steps and finaliser over UTF-16 units). */
export function textHash(text: string): readonly [number, number] {
  let a = 0x9747b28c;
  let b = 0x85ebca6b;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0xcc9e2d51);
    a = (a << 13) | (a >>> 19);
    b = Math.imul(b ^ unit, 0x1b873593);
    b = ((b << 15) | (b >>> 17)) + i;
  }
  return [mixed(a ^ text.length), mixed(b ^ a)];
}

function mixed(hash: number): number {
  let value = hash;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** A text's hash as one whole number of 53 bits. */
export function textKey(text: string): number {
  const [high, low] = textHash(text);
  return (high & 0x1fffff) * 2 ** 32 + low;
}

export class DistinctCount {
  #seen: Set<number> | undefined = new Set();
  readonly #registers = new Uint8Array(REGISTERS);

  add(text: string): void {
    const [first, second] = textHash(text);
    if (this.#seen !== undefined) {
      this.#seen.add((first & 0x1fffff) * 2 ** 32 + second);
      if (this.#seen.size > EXACT) this.#seen = undefined;
    }
    const register = first >>> (32 - INDEX_BITS);
    const rank = Math.clz32(second) + 1;
    if (rank > (this.#registers[register] ?? 0)) this.#registers[register] = rank;
  }

  /** The count, and whether it is exact. */
  result(): { count: number; exact: boolean } {
    if (this.#seen !== undefined) return { count: this.#seen.size, exact: true };
    let sum = 0;
    let empty = 0;
    for (const rank of this.#registers) {
      sum += 2 ** -rank;
      if (rank === 0) empty += 1;
    }
    const estimate = ((0.7213 / (1 + 1.079 / REGISTERS)) * REGISTERS * REGISTERS) / sum;
    const linear = empty > 0 && estimate <= 2.5 * REGISTERS;
    return { count: Math.round(linear ? REGISTERS * Math.log(REGISTERS / empty) : estimate), exact: false };
  }
}
