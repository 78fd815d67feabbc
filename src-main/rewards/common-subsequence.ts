/**
 * Length of the longest common subsequence of two lists, 32 positions at a time in the bits of a word
 * (Hyyrö 2004, "Bit-parallel LCS-length computation revisited"). Memory is linear in the first list.
 */

/**
 * Length of the longest list that can be had from both by leaving members out.
 * @param a ids, from 0; equal ids are equal members
 * @param b ids; those that do not occur in `a` may be −1
 */
export function commonSubsequence(a: readonly number[], b: readonly number[]): number {
  if (a.length === 0 || b.length === 0) return 0;
  const words = (a.length + 31) >>> 5;
  const places = new Map<number, Int32Array>();
  for (let i = 0; i < a.length; i++) {
    let mask = places.get(a[i]!);
    if (mask === undefined) {
      mask = new Int32Array(words);
      places.set(a[i]!, mask);
    }
    mask[i >>> 5]! |= 1 << (i & 31);
  }
  // A cleared bit is a place where the length grows by one.
  const row = new Int32Array(words).fill(-1);
  for (const member of b) {
    const mask = places.get(member);
    if (mask === undefined) continue;
    let carry = 0;
    for (let word = 0; word < words; word++) {
      const present = row[word]!;
      const matches = present & mask[word]!;
      const sum = (present >>> 0) + (matches >>> 0) + carry;
      carry = sum > 0xffffffff ? 1 : 0;
      row[word] = sum | 0 | (present & ~matches);
    }
  }
  let length = 0;
  for (let i = 0; i < a.length; i++) if ((row[i >>> 5]! & (1 << (i & 31))) === 0) length += 1;
  return length;
}
