/** A curve in at most 60 points, made as its values come: when it is full, neighbours are averaged. */

const mostPoints = 60;

export class Sparkline {
  #points: { sum: number; count: number }[] = [];
  /** Values in each point. */
  #width = 1;

  add(value: number): void {
    const last = this.#points.at(-1);
    if (last !== undefined && last.count < this.#width) {
      last.sum += value;
      last.count++;
      return;
    }
    if (this.#points.length === mostPoints) {
      const halved: { sum: number; count: number }[] = [];
      for (let i = 0; i < mostPoints; i += 2) {
        const left = this.#points[i] ?? { sum: 0, count: 0 };
        const right = this.#points[i + 1] ?? { sum: 0, count: 0 };
        halved.push({ sum: left.sum + right.sum, count: left.count + right.count });
      }
      this.#points = halved;
      this.#width *= 2;
    }
    this.#points.push({ sum: value, count: 1 });
  }

  values(): number[] {
    return this.#points.map(({ sum, count }) => sum / count);
  }
}
