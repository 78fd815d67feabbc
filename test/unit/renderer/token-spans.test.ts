import { describe, expect, it } from 'vitest';
import { quantityValues, tokenPaint, tokenSpans } from '../../../src-renderer/lib/token-spans.ts';

describe('tokenSpans', () => {
  it('cuts the text where the trainer says', () => {
    const { exact, spans } = tokenSpans({ ids: [5, 6, 2], text: 'ab👩‍🔬', tokenEnds: [2, 7, 7] });
    expect(exact).toBe(true);
    expect(spans.map((span) => span.text)).toEqual(['ab', '👩‍🔬', '']);
  });

  it('takes characters where one token is one character', () => {
    const { exact, spans } = tokenSpans({ ids: [1, 2, 3], text: '12' });
    expect(exact).toBe(true);
    expect(spans.map((span) => span.text)).toEqual(['1', '2', '']);
  });

  it('shows numbers where nothing is known', () => {
    const { exact, spans } = tokenSpans({ ids: [17, 4], text: 'hello world', tokenEnds: null });
    expect(exact).toBe(false);
    expect(spans.map((span) => span.text)).toEqual(['#17', '#4']);
  });
});

describe('painting', () => {
  it('is stronger for larger values and tells signs apart', () => {
    expect(tokenPaint(1, 2, true)).toEqual({ colour: '--positive', opacity: 0.28 });
    expect(tokenPaint(-2, 2, true)).toEqual({ colour: '--negative', opacity: 0.55 });
    expect(tokenPaint(0, 0, false).opacity).toBe(0);
    expect(tokenPaint(Number.NaN, 2, false).opacity).toBe(0);
  });

  it('leaves out quantities that were not stored', () => {
    const sample = {
      logprobs: null,
      samplerLogprobs: [-1, -2],
      advantages: null,
      entropies: null,
      referenceLogprobs: null,
    };
    expect(quantityValues(sample, 'logprob')).toEqual([-1, -2]);
    expect(quantityValues(sample, 'ratio')).toBeNull();
    expect(quantityValues(sample, 'advantage')).toBeNull();
  });
});
