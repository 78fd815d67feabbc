/** An answer cut at the places that were looked at, each part with what it changed of the reward to be expected. */
import type { SampleDetail } from '../../src-main/contract/calls.ts';
import type { SampleAnchor } from '../../src-main/contract/events.ts';
import { tokenSpans } from './token-spans.ts';

export interface AnchorSegment {
  /** The place before the part. */
  readonly anchor: SampleAnchor;
  /** Text of the tokens up to the next place, or to the end. */
  readonly text: string;
  /** Value of the next place (at the end: the reward of the answer) less that of this one; null where one is not known. */
  readonly change: number | null;
}

/** The parts in order. Tokens before the first place, which only drawn places can leave, belong to none. */
export function anchorSegments(
  sample: Pick<SampleDetail, 'ids' | 'text' | 'tokenEnds' | 'reward'>,
  anchors: readonly SampleAnchor[],
): AnchorSegment[] {
  const { spans } = tokenSpans(sample);
  return anchors.map((anchor, index) => {
    const next = anchors[index + 1];
    const value = next === undefined ? sample.reward : next.value;
    return {
      anchor,
      text: spans
        .slice(anchor.position, next?.position ?? spans.length)
        .map(({ text }) => text)
        .join(''),
      change: value === null || anchor.value === null ? null : value - anchor.value,
    };
  });
}
