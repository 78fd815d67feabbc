/** The answers that fit a filter, fetched in pages as they come into sight. */
import type { CallInput, SampleRow } from '../../src-main/contract/calls.ts';
import type { ErrorShape } from '../../src-main/contract/events.ts';
import { errorShapeOf } from './call-error.ts';
import { client } from './client.ts';

export type SampleFilter = Omit<CallInput<'samples.list'>, 'offset' | 'limit'>;

const pageSize = 100;

export class SampleList {
  /** Answers that fit; null before the first page is there. */
  total = $state<number | null>(null);
  error = $state.raw<ErrorShape | null>(null);
  /** Replaced when a page arrives, so that rows in sight are drawn again. */
  #pages = $state.raw<ReadonlyMap<number, readonly SampleRow[]>>(new Map());
  #asked = new Set<number>();
  #filter: SampleFilter | null = null;

  /** Begins anew with another filter, or with the same one to see what has come since. */
  show(filter: SampleFilter): void {
    this.#filter = filter;
    this.#asked = new Set();
    this.error = null;
    void this.#fetch(0, true);
  }

  /** The row at a place of the list; undefined until its page is there. */
  row(index: number): SampleRow | undefined {
    return this.#pages.get(Math.floor(index / pageSize))?.[index % pageSize];
  }

  /** Place of an answer among the rows that are there; −1 when it is not. */
  indexOf(id: number): number {
    for (const [page, rows] of this.#pages) {
      const place = rows.findIndex((row) => row.id === id);
      if (place >= 0) return page * pageSize + place;
    }
    return -1;
  }

  /** Fetches the pages that hold these rows. */
  need(first: number, last: number): void {
    for (let page = Math.floor(first / pageSize); page <= Math.floor(last / pageSize); page += 1) {
      void this.#fetch(page, false);
    }
  }

  async #fetch(page: number, anew: boolean): Promise<void> {
    const filter = this.#filter;
    if (filter === null || this.#asked.has(page)) return;
    this.#asked.add(page);
    try {
      const result = await client.call('samples.list', {
        ...filter,
        offset: page * pageSize,
        limit: pageSize,
      });
      if (filter !== this.#filter) return;
      this.#pages = anew ? new Map([[page, result.rows]]) : new Map([...this.#pages, [page, result.rows]]);
      this.total = result.total;
    } catch (thrown) {
      if (filter !== this.#filter) return;
      this.#asked.delete(page);
      this.error = errorShapeOf(thrown);
    }
  }
}
