/** Estimates how long a run still takes from the pace of its last steps, evaluations and checkpoints included. */

/** Steps that the pace is taken from. */
const window = 40;

export class TimeLeft {
  #marks: { step: number; at: number }[] = [];

  /** Notes that a step is done, at a time in milliseconds. */
  mark(step: number, at: number): void {
    this.#marks.push({ step, at });
    if (this.#marks.length > window) this.#marks.shift();
  }

  /** Seconds until `steps` are done; null before two steps are known. */
  seconds(steps: number, now: number): number | null {
    const first = this.#marks[0];
    const last = this.#marks.at(-1);
    if (first === undefined || last === undefined || last.step === first.step) return null;
    const perStep = (last.at - first.at) / (last.step - first.step) / 1000;
    return Math.max(0, (steps - last.step) * perStep - (now - last.at) / 1000);
  }
}
