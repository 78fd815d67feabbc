/** Cuts an answer into its tokens, and turns the numbers of tokens into the strength of a colour. */
import type { SampleDetail } from '../../src-main/contract/calls.ts';

export interface TokenSpan {
  /** Position in the answer. */
  readonly index: number;
  readonly id: number;
  readonly text: string;
}

/**
 * The tokens of an answer with their text. Where the trainer did not say where tokens end, and one token is
 * not one character either, each token shows its number instead; `exact` tells which it is.
 */
export function tokenSpans(sample: Pick<SampleDetail, 'ids' | 'text' | 'tokenEnds'>): {
  exact: boolean;
  spans: TokenSpan[];
} {
  const { ids, text, tokenEnds } = sample;
  if (tokenEnds && tokenEnds.length === ids.length) {
    let start = 0;
    const spans = ids.map((id, index) => {
      const end = Math.max(start, tokenEnds[index] ?? start);
      const part = text.slice(start, end);
      start = end;
      return { index, id, text: part };
    });
    return { exact: true, spans };
  }
  const characters = [...text];
  // The end token has no text of its own.
  if (characters.length === ids.length || characters.length === ids.length - 1) {
    return { exact: true, spans: ids.map((id, index) => ({ index, id, text: characters[index] ?? '' })) };
  }
  return { exact: false, spans: ids.map((id, index) => ({ index, id, text: `#${id}` })) };
}

/** What tokens can be painted by. */
export const quantities = ['advantage', 'logprob', 'entropy', 'ratio', 'kl'] as const;
export type Quantity = (typeof quantities)[number];

export const quantityTexts: Record<Quantity, { title: string; definition: string; signed: boolean }> = {
  advantage: {
    title: 'Advantage',
    definition: 'How strongly this token is encouraged (positive) or discouraged (negative).',
    signed: true,
  },
  logprob: {
    title: 'Log-probability',
    definition: 'How likely the model found this token; the darker, the more surprising.',
    signed: false,
  },
  entropy: {
    title: 'Entropy',
    definition: 'How undecided the model was at this place, in nats.',
    signed: false,
  },
  ratio: {
    title: 'Sampler mismatch',
    definition: 'Log-probability of the learner minus that of the sampler; should be next to nothing.',
    signed: true,
  },
  kl: {
    title: 'Distance from the start',
    definition: 'Log-probability now minus that under the original model.',
    signed: true,
  },
};

type TokenNumbers = Pick<
  SampleDetail,
  'advantages' | 'logprobs' | 'samplerLogprobs' | 'entropies' | 'referenceLogprobs'
>;

/** The numbers of a quantity, one a token; null where they were not stored. */
export function quantityValues(sample: TokenNumbers, quantity: Quantity): readonly number[] | null {
  const difference = (a: readonly number[] | null, b: readonly number[] | null): number[] | null =>
    a && b ? a.map((value, index) => value - (b[index] ?? 0)) : null;
  switch (quantity) {
    case 'advantage':
      return sample.advantages;
    case 'logprob':
      return sample.logprobs ?? sample.samplerLogprobs;
    case 'entropy':
      return sample.entropies;
    case 'ratio':
      return difference(sample.logprobs, sample.samplerLogprobs);
    case 'kl':
      return difference(sample.logprobs, sample.referenceLogprobs);
  }
}

/** Background of a token: custom property of the colour and its opacity, 0 to 0.55. */
export function tokenPaint(
  value: number,
  largest: number,
  signed: boolean,
): { colour: string; opacity: number } {
  const strength = largest > 0 && Number.isFinite(value) ? Math.min(1, Math.abs(value) / largest) : 0;
  const colour = !signed ? '--amount' : value < 0 ? '--negative' : '--positive';
  return { colour, opacity: Math.round(strength * 55) / 100 };
}
