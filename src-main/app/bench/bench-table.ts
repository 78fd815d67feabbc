/** The figures of the bench as people read them: a table with ratios and bars, and where the time of steps goes. */
import { formatBytes, formatNumber, renderTable } from '../cli/table.ts';
import type { FinishedFigure } from './bench.ts';
import type { Figure } from './figures.ts';
import type { Machine } from './machine.ts';
import { quietLoad } from './machine.ts';

/** One line about the machine, and a warning where it is busy. */
export function describeMachine(machine: Machine): string[] {
  const { processor, cores, memory, load, node } = machine;
  const line = `${processor}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${formatBytes(memory)}, Node ${node}; load ${load.toFixed(2)} at the start.`;
  return load <= quietLoad
    ? [line]
    : [
        line,
        `warning: other programs keep this machine busy (load above ${quietLoad}): these figures say little. Compare only on a quiet machine.`,
      ];
}

const columns = [
  { title: 'figure' },
  { title: 'Espalier', align: 'right' },
  { title: 'unit' },
  { title: 'memory', align: 'right' },
  { title: 'peer' },
  { title: 'reached', align: 'right' },
  { title: 'memory', align: 'right' },
  { title: 'ratio', align: 'right' },
  { title: 'bar' },
  { title: 'share of memory', align: 'right' },
  { title: 'bar' },
] as const;

const mark = (reached: boolean): string => (reached ? '✓' : '✗');

/** All figures, one row for each peer. */
export function benchTable(finished: readonly FinishedFigure[]): string {
  return renderTable(
    columns,
    finished.flatMap(({ figure, lines }) =>
      lines.map((line, index) => {
        const { bar } = figure;
        const share = line.memory === null || line.peerMemory === null ? null : line.memory / line.peerMemory;
        const judged = bar !== undefined && bar.peer === line.peerName;
        const value = judged ? (bar.peer === null ? line.espalier : line.ratio) : null;
        const memoryBar = judged ? bar.memoryShare : undefined;
        return [
          index === 0 ? figure.name : '',
          index === 0 ? formatNumber(line.espalier) : '',
          index === 0 ? line.unit : '',
          index === 0 && line.memory !== null ? formatBytes(line.memory) : '',
          line.peerName ?? '',
          line.peer === null ? '' : formatNumber(line.peer),
          line.peerMemory === null ? '' : formatBytes(line.peerMemory),
          line.ratio === null ? '' : `${line.ratio.toFixed(2)}×`,
          judged && value !== null && bar.least !== undefined
            ? `≥ ${formatNumber(bar.least)} ${mark(value >= bar.least)}`
            : '',
          share === null ? '' : share.toFixed(2),
          memoryBar === undefined || share === null ? '' : `≤ ${memoryBar} ${mark(share <= memoryBar)}`,
        ];
      }),
    ),
  );
}

/** Where the time of a step goes and how fast the matrix products were, for the measurements that know it. */
export function benchDetails(finished: readonly FinishedFigure[]): string[] {
  return finished.flatMap(({ figure, measured }) => {
    const text = details(figure, measured);
    return text === null ? [] : [`${figure.name}: ${text}`];
  });
}

function details(figure: Figure, measured: Readonly<Record<string, number>>): string | null {
  const { seconds, generateSeconds, rewardSeconds, learnSeconds, answerTokens } = measured;
  if (
    seconds !== undefined &&
    generateSeconds !== undefined &&
    rewardSeconds !== undefined &&
    learnSeconds !== undefined
  ) {
    const part = (value: number): string => `${((100 * value) / seconds).toFixed(0)} %`;
    return `sampling ${part(generateSeconds)}, decoding and reward ${part(rewardSeconds)}, learning ${part(learnSeconds)} of a step; answers of ${(answerTokens ?? NaN).toFixed(1)} tokens`;
  }
  const { gflops, matmulGflops, firstLoss } = measured;
  if (gflops === undefined || firstLoss === undefined) return null;
  if (figure.key === 'matmulShare' && matmulGflops !== undefined) {
    return `${formatNumber(gflops)} of ${formatNumber(matmulGflops)} GFLOP/s`;
  }
  return `${formatNumber(gflops)} GFLOP/s of needed matrix products`;
}
