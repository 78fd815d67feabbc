/**
 * Turns token ids into text one id at a time. A token may end inside a character, and may change how its neighbours
 * are written, so text is given out only once it ends in a whole character, with the ids before it as context.
 */

/** Turns ids into text. */
export type DecodeIds = (ids: readonly number[]) => Promise<string>;

const REPLACEMENT = '\ufffd';

export class StreamDecoder {
  readonly #decode: DecodeIds;
  /** Every id so far; only needed to find the way again after earlier text changed. */
  readonly #all: number[] = [];
  #given = '';
  /** The ids of the window, how many of them have been given out, and the text of those. */
  #window: number[] = [];
  #settled = 0;
  #prefix = '';

  /** `decode` gives the text of a list of ids, with or without special tokens as wanted. */
  constructor(decode: DecodeIds) {
    this.#decode = decode;
  }

  /** Adds an id. Gives the text that it adds, or null when nothing can be said yet. */
  async push(id: number): Promise<string | null> {
    this.#all.push(id);
    if (this.#prefix === '' && this.#window.length > 0) {
      const text = await this.#decode(this.#window);
      if (!text.endsWith(REPLACEMENT)) {
        this.#prefix = text;
        this.#settled = this.#window.length;
      }
    }
    this.#window.push(id);
    const text = await this.#decode(this.#window);
    if (text.length <= this.#prefix.length || text.endsWith(REPLACEMENT)) return null;
    // Invalid bytes can change text that is out already; what follows is then taken from the whole text.
    const piece = text.startsWith(this.#prefix) ? text.slice(this.#prefix.length) : await this.#remaining();
    const settled = this.#window.length - this.#settled;
    this.#window = this.#window.slice(this.#settled);
    this.#prefix = await this.#decode(this.#window);
    this.#settled = settled;
    this.#given += piece;
    return piece === '' ? null : piece;
  }

  /** The text that was held back; the stream is over. */
  async finish(): Promise<string> {
    const rest = await this.#remaining();
    this.#given += rest;
    return rest;
  }

  /** What the text of all ids has beyond the text given out. */
  async #remaining(): Promise<string> {
    return (await this.#decode(this.#all)).slice(this.#given.length);
  }
}

/**
 * Text of each id such that all of them together are the text of the whole list: a character made of several ids
 * belongs to the last of them. Used to paint tokens.
 */
export async function decodePieces(ids: readonly number[], decode: DecodeIds): Promise<string[]> {
  const whole = await decode(ids);
  const stream = new StreamDecoder(decode);
  const pieces: string[] = [];
  for (const id of ids) pieces.push((await stream.push(id)) ?? '');
  const rest = await stream.finish();
  if (pieces.length > 0) pieces[pieces.length - 1] += rest;
  if (pieces.join('') === whole) return pieces;
  // Later ids changed earlier text (invalid bytes): an id ends where all longer prefixes agree with the whole text.
  const ends: number[] = [];
  for (let length = 1; length <= ids.length; length++) {
    const text = await decode(ids.slice(0, length));
    let agreed = 0;
    while (agreed < text.length && text[agreed] === whole[agreed]) agreed++;
    ends.push(agreed);
  }
  let end = whole.length;
  for (let index = ends.length - 1; index >= 0; index--) {
    end = Math.min(end, index === ends.length - 1 ? whole.length : (ends[index] ?? 0));
    ends[index] = end;
  }
  return ends.map((stop, index) => whole.slice(index === 0 ? 0 : ends[index - 1], stop));
}
