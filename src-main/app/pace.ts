/** How fast work goes, from its last seconds, and how long the rest will take. */

/** The pace is that of so many milliseconds. */
const window = 8_000;
const mostMarks = 400;
/** Before this nothing can be said. */
const shortest = 500;

export class Pace {
  #marks: { readonly at: number; readonly done: number }[] = [];

  /** Notes how much is done at a time in milliseconds. What falls back begins anew. */
  mark(done: number, at: number): void {
    const last = this.#marks.at(-1);
    if (last !== undefined && done < last.done) this.#marks = [];
    this.#marks = [...this.#marks.filter((mark) => at - mark.at <= window), { at, done }];
    if (this.#marks.length > mostMarks) {
      this.#marks = this.#marks.filter((_, place) => place % 2 === 0 || place === this.#marks.length - 1);
    }
  }

  /** Forgets everything, for work that goes on after a pause. */
  reset(): void {
    this.#marks = [];
  }

  /** Units a second; null while it is too early to say. */
  rate(): number | null {
    const first = this.#marks[0];
    const last = this.#marks.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < shortest) return null;
    return ((last.done - first.done) / (last.at - first.at)) * 1000;
  }

  /** Seconds until the total is done; null where that cannot be said. */
  secondsLeft(total: number | null): number | null {
    const rate = this.rate();
    const done = this.#marks.at(-1)?.done ?? 0;
    return total === null || rate === null || rate <= 0 ? null : Math.max(0, (total - done) / rate);
  }
}
