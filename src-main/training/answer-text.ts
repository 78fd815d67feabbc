/** Texts of sampled answers, with the place of each token in its text. */
import type { Tokenizer } from '../models/tokenizer.ts';
import type { SampleResult } from '../rollout/sampler.ts';
import type { AnswerText } from './training-parts.ts';

/**
 * Decodes many answers in one call, special tokens and the token that ended an answer left out. Where the texts
 * of single tokens add up to the text of the answer (nearly always: not where a character is cut into several
 * tokens), the result says where each token ends.
 */
export class AnswerDecoder {
  readonly #tokenizer: Tokenizer;
  /** Texts of ids where they begin an answer, and after another token: SentencePiece drops a leading space. */
  readonly #first = new Map<number, string>();
  readonly #later = new Map<number, string>();
  #anchor: { id: number; text: string } | null = null;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  async decode(answers: readonly Pick<SampleResult, 'ids' | 'finish'>[]): Promise<AnswerText[]> {
    const kept = answers.map(({ ids, finish }) =>
      finish === 'stop' ? ids.subarray(0, Math.max(0, ids.length - 1)) : ids,
    );
    const texts = await this.#tokenizer.decodeEach(kept, { skipSpecial: true });
    await this.#learn(kept);
    return texts.map((text, place) => {
      const tokenEnds = this.#ends(text, kept[place]!, answers[place]!.ids.length);
      return tokenEnds === null ? { text } : { text, tokenEnds };
    });
  }

  /** Texts of ids that were not seen before. */
  async #learn(lists: readonly Int32Array[]): Promise<void> {
    const first = new Set<number>();
    const later = new Set<number>();
    for (const ids of lists) {
      for (const [place, id] of ids.entries()) {
        if (place === 0 ? !this.#first.has(id) : !this.#later.has(id)) (place === 0 ? first : later).add(id);
      }
    }
    const options = { skipSpecial: true };
    const firstTexts = await this.#tokenizer.decodeEach(
      Array.from(first, (id) => [id]),
      options,
    );
    for (const [place, id] of [...first].entries()) this.#first.set(id, firstTexts[place]!);
    if (later.size === 0) return;
    this.#anchor ??= await this.#chooseAnchor();
    const anchor = this.#anchor;
    const laterTexts = await this.#tokenizer.decodeEach(
      Array.from(later, (id) => [anchor.id, id]),
      options,
    );
    for (const [place, id] of [...later].entries()) {
      const text = laterTexts[place]!;
      this.#later.set(id, text.startsWith(anchor.text) ? text.slice(anchor.text.length) : text);
    }
  }

  /** An ordinary token to stand before others. */
  async #chooseAnchor(): Promise<{ id: number; text: string }> {
    const [id] = await this.#tokenizer.encode('a', { addSpecialTokens: false });
    if (id === undefined) return { id: 0, text: '' };
    return { id, text: await this.#tokenizer.decode([id], { skipSpecial: true }) };
  }

  /** Ends of `length` tokens; null where the single texts do not give the whole. Tokens left out end with the text. */
  #ends(text: string, kept: Int32Array, length: number): Int32Array | null {
    const ends = new Int32Array(length).fill(text.length);
    let end = 0;
    for (const [place, id] of kept.entries()) {
      const piece = (place === 0 ? this.#first : this.#later).get(id) ?? '';
      if (!text.startsWith(piece, end)) return null;
      end += piece.length;
      ends[place] = end;
    }
    return end === text.length ? ends : null;
  }
}
