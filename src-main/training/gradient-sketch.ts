/**
 * A gradient measured along random directions, in memory that does not grow with the model: each weight belongs to one
 * of the directions and counts there with a random sign, both hashes of its place. The directions are orthogonal, and
 * over the choice of hashes scalar products of sketches have the scalar products of the gradients as their mean.
 */

/** Mixes a 32-bit number well (the last steps of MurmurHash3). */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The key that a seed gives. */
function keyOf(seed: number): number {
  return mix(seed + 0x9e3779b9);
}

/** The direction that the weight at this place belongs to, and its sign there. */
export function directionOf(
  place: number,
  directions: number,
  seed: number,
): { direction: number; sign: 1 | -1 } {
  const hash = mix(place ^ keyOf(seed));
  // The lowest bit is the sign; the others choose the direction.
  return { direction: (hash >>> 1) % directions, sign: hash & 1 ? 1 : -1 };
}

/**
 * Adds numbers to a sketch.
 * @param sketch one sum for each direction
 * @param values part of the gradient
 * @param first place of its first number among all weights
 */
export function addToSketch(sketch: Float64Array, values: Float32Array, first: number, seed: number): void {
  const key = keyOf(seed);
  const directions = sketch.length;
  // As `directionOf`, without its objects: this loop goes over every weight of the model.
  for (let index = 0; index < values.length; index++) {
    const hash = mix((first + index) ^ key);
    const value = values[index]!;
    sketch[(hash >>> 1) % directions]! += hash & 1 ? value : -value;
  }
}
