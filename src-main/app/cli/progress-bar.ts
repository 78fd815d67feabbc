/**
 * Progress of a run or a job on standard error: one line that is redrawn on a terminal, now and then a plain line
 * elsewhere. The drawing is pure; the writer decides when.
 */
import type { TextSink } from './output.ts';
import { formatDuration, formatNumber, oneLine } from './table.ts';

export interface ProgressState {
  /** What is being done, such as the name of the run or a phase. */
  readonly title: string;
  /** Share done, 0 to 1; null where it is not known. */
  readonly share: number | null;
  /** Facts in order of importance; the last ones go first where the line is short. */
  readonly facts: readonly string[];
  readonly secondsLeft: number | null;
}

/** Facts of a training run, in the order in which they are shown. */
export interface RunProgress {
  readonly step: number;
  readonly steps: number;
  readonly reward: number | null;
  readonly score: number | null;
  readonly tokensPerSecond: number | null;
}

/** The facts of a training run as texts. */
export function runFacts(run: RunProgress): string[] {
  const facts = [`step ${formatNumber(run.step)}/${formatNumber(run.steps)}`];
  if (run.reward !== null) facts.push(`reward ${run.reward.toFixed(3)}`);
  if (run.score !== null) facts.push(`held-out ${run.score.toFixed(3)}`);
  if (run.tokensPerSecond !== null) facts.push(`${formatNumber(Math.round(run.tokensPerSecond))} tokens/s`);
  return facts;
}

const barWidth = 20;

/** One line of at most `width` characters. */
export function renderProgress(state: ProgressState, width: number): string {
  const head: string[] = [];
  if (state.share !== null) {
    const share = Math.min(1, Math.max(0, state.share));
    const full = Math.round(share * barWidth);
    head.push(
      `${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${String(Math.floor(share * 100)).padStart(3)} %`,
    );
  }
  const left = state.secondsLeft === null ? [] : [`${formatDuration(state.secondsLeft)} left`];
  const assemble = (title: string, facts: readonly string[]): string =>
    [[...head, title].filter((part) => part !== '').join(' '), ...facts, ...left].join(' · ');
  const title = oneLine(state.title, Math.max(12, Math.floor(width / 3)));
  for (let count = state.facts.length; count >= 0; count--) {
    const line = assemble(title, state.facts.slice(0, count));
    if (Array.from(line).length <= width) return line;
  }
  return oneLine(assemble('', []), width);
}

/** The same as a plain line for logs. */
export function renderPlainProgress(state: ProgressState): string {
  const share = state.share === null ? [] : [`${Math.floor(Math.min(1, Math.max(0, state.share)) * 100)} %`];
  const left = state.secondsLeft === null ? [] : [`${formatDuration(state.secondsLeft)} left`];
  return [state.title, ...share, ...state.facts, ...left].join(' · ');
}

export interface ProgressWriter {
  /** Shows the state; redraws at most ten times a second. */
  update(state: ProgressState): void;
  /** A line that stays, above the bar. */
  line(text: string): void;
  /** Removes the bar. */
  end(): void;
}

const redrawEvery = 100;
const plainEvery = 10_000;

/** Columns that a line may take. Terminals that do not know their size say 0. */
function screenWidth(sink: TextSink): number {
  const columns = sink.columns ?? 0;
  return Math.max(20, (columns > 0 ? columns : 80) - 1);
}

/** Draws on a terminal; elsewhere writes a line every ten seconds and for each new title. */
export function createProgressWriter(sink: TextSink, now: () => number): ProgressWriter {
  const terminal = sink.isTTY === true;
  let drawn = false;
  let last = Number.NEGATIVE_INFINITY;
  let title = '';
  const told = new Set<string>();
  let state: ProgressState | undefined;
  const clear = (): void => {
    if (drawn) sink.write('\r\x1b[2K');
    drawn = false;
  };
  const draw = (): void => {
    if (state === undefined) return;
    sink.write(`\r\x1b[2K${renderProgress(state, screenWidth(sink))}`);
    drawn = true;
  };
  return {
    update: (next) => {
      state = next;
      const at = now();
      // Elsewhere than on a terminal a title that comes back is no news.
      const changed = terminal ? next.title !== title : !told.has(next.title);
      told.add(next.title);
      if (!changed && at - last < (terminal ? redrawEvery : plainEvery)) return;
      last = at;
      title = next.title;
      if (terminal) draw();
      else sink.write(`${renderPlainProgress(next)}\n`);
    },
    line: (text) => {
      clear();
      sink.write(`${text}\n`);
      if (terminal) draw();
    },
    end: () => {
      clear();
      state = undefined;
    },
  };
}
