/**
 * Levenshtein distance, 32 positions at a time in the bits of a word (Myers 1999, in the form of Hyyrö 2003). Memory is
 * linear in the first list.
 */

/** Fewest insertions, deletions and replacements of single members that turn `a` into `b`. */
export function editDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const m = a.length;
  const n = b.length;
  if (m === 0) return n;
  if (n === 0) return m;
  const words = (m + 31) >>> 5;
  const places = new Map<number, Int32Array>();
  for (let i = 0; i < m; i++) {
    let mask = places.get(a[i]!);
    if (mask === undefined) {
      mask = new Int32Array(words);
      places.set(a[i]!, mask);
    }
    mask[i >>> 5]! |= 1 << (i & 31);
  }
  const nowhere = new Int32Array(words);
  // Bits of places where the distance rises (up) or falls (down) by one from the place above.
  const up = new Int32Array(words).fill(-1);
  const down = new Int32Array(words);
  const lastBit = (m - 1) & 31;
  let distance = m;
  for (let j = 0; j < n; j++) {
    const mask = places.get(b[j]!) ?? nowhere;
    // What comes into a word from the one before it: a rise at the top of each column, and never a fall.
    let upIn = 1;
    let downIn = 0;
    for (let word = 0; word < words; word++) {
      const rises = up[word]!;
      const falls = down[word]!;
      const equal = mask[word]! | downIn;
      const diagonal = (((equal & rises) + rises) ^ rises) | equal | falls;
      let rightUp = falls | ~(diagonal | rises);
      let rightDown = rises & diagonal;
      if (word === words - 1) distance += ((rightUp >>> lastBit) & 1) - ((rightDown >>> lastBit) & 1);
      const upOut = rightUp >>> 31;
      const downOut = rightDown >>> 31;
      rightUp = (rightUp << 1) | upIn;
      rightDown = (rightDown << 1) | downIn;
      up[word] = rightDown | ~(mask[word]! | falls | rightUp);
      down[word] = rightUp & (mask[word]! | falls);
      upIn = upOut;
      downIn = downOut;
    }
  }
  return distance;
}
