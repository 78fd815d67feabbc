/** Rows of a long list that are in sight, by @tanstack/virtual-core, as state. */
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualItem,
} from '@tanstack/virtual-core';

export class VirtualRows {
  items = $state.raw<readonly VirtualItem[]>([]);
  /** Height of all rows together, pixels. */
  height = $state(0);
  #virtualizer: Virtualizer<HTMLElement, HTMLElement> | null = null;
  #count = 0;
  #rowHeight = 0;

  /** Binds to the scrolling element; returns the function that ends it. */
  attach(element: HTMLElement): () => void {
    const virtualizer = new Virtualizer<HTMLElement, HTMLElement>({
      count: this.#count,
      getScrollElement: () => element,
      estimateSize: () => this.#rowHeight,
      overscan: 8,
      scrollToFn: elementScroll,
      observeElementRect,
      observeElementOffset,
      onChange: () => {
        this.#read();
      },
    });
    this.#virtualizer = virtualizer;
    const end = virtualizer._didMount();
    virtualizer._willUpdate();
    this.#read();
    return () => {
      end();
      this.#virtualizer = null;
    };
  }

  /** Says how many rows there are and how high each is, pixels. */
  set(count: number, rowHeight: number): void {
    const resized = rowHeight !== this.#rowHeight;
    this.#count = count;
    this.#rowHeight = rowHeight;
    const virtualizer = this.#virtualizer;
    if (!virtualizer) return;
    virtualizer.setOptions({ ...virtualizer.options, count, estimateSize: () => rowHeight });
    if (resized) virtualizer.measure();
    virtualizer._willUpdate();
    this.#read();
  }

  /** Brings a row into sight. */
  scrollTo(index: number): void {
    this.#virtualizer?.scrollToIndex(index, { align: 'auto' });
  }

  #read(): void {
    this.items = this.#virtualizer?.getVirtualItems() ?? [];
    this.height = this.#virtualizer?.getTotalSize() ?? 0;
  }
}
