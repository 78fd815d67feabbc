/**
 * Pages of rows of large files. Files are read from their beginning only; the reader of the last page is kept for a
 * while, so that going on to the next page does not read everything before it again.
 */
import { readRows } from '../../datasets/read-rows.ts';
import type { Row } from '../../datasets/row.ts';

export interface PageRequest {
  readonly path: string;
  /** Rows before this place (from 0) are passed over. */
  readonly offset: number;
  readonly limit: number;
  /** Which rows are wanted. */
  readonly wanted: (row: Row) => boolean;
  /** Most rows that are looked at, so that an answer comes soon. */
  readonly lookedAt: number;
}

export interface RowPage {
  readonly rows: { readonly index: number; readonly row: Row }[];
  /** Place of the first row that was not looked at; null at the end of the data. */
  readonly next: number | null;
}

interface OpenReader {
  readonly key: string;
  readonly batches: AsyncGenerator<Row[]>;
  /** The batch at hand, and the place of its first row. */
  batch: readonly Row[];
  start: number;
}

/** A reader that nobody goes on with is closed after so many milliseconds. */
const keptFor = 30_000;

export class RowPages {
  #open: OpenReader | null = null;
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * One page; pages are read one after the other.
   * @param key other for other content at the same path
   * @throws EspalierError of the readers
   */
  page(key: string, request: PageRequest): Promise<RowPage> {
    const page = this.#last.then(() => this.#read(key, request));
    this.#last = page.catch(() => undefined);
    return page;
  }

  async close(): Promise<void> {
    await this.#last;
    clearTimeout(this.#timer);
    await this.#closeReader();
  }

  async #read(key: string, request: PageRequest): Promise<RowPage> {
    clearTimeout(this.#timer);
    const { offset, limit, wanted, lookedAt } = request;
    let reader = this.#open;
    if (reader?.key !== key || reader.start > offset) {
      await this.#closeReader();
      reader = { key, batches: readRows(request.path), batch: [], start: 0 };
      this.#open = reader;
    }
    const rows: { index: number; row: Row }[] = [];
    let place = offset;
    try {
      for (;;) {
        const end = reader.start + reader.batch.length;
        for (; place >= reader.start && place < end; place++) {
          if (rows.length === limit || place - offset >= lookedAt) return { rows, next: place };
          const row = reader.batch[place - reader.start];
          if (row !== undefined && wanted(row)) rows.push({ index: place, row });
        }
        const following: IteratorResult<Row[], unknown> = await reader.batches.next();
        if (following.done === true) {
          await this.#closeReader();
          return { rows, next: null };
        }
        reader.start = end;
        reader.batch = following.value;
      }
    } catch (error) {
      await this.#closeReader();
      throw error;
    } finally {
      this.#timer = setTimeout(() => void this.close(), keptFor);
      this.#timer.unref();
    }
  }

  async #closeReader(): Promise<void> {
    const reader = this.#open;
    this.#open = null;
    await reader?.batches.return(undefined);
  }
}
