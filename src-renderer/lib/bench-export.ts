/** The answers of a bench as a table for spreadsheets. */
import type { RewardBenchReport } from '../../src-main/contract/reward-bench.ts';

/** A cell of a CSV file. Text that a spreadsheet would take for a formula gets an apostrophe before it. */
function cell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) && !Number.isFinite(Number(value)) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line for each answer: question, answer, right answer, cheat, total, and value and reason of each component. */
export function benchCsv(report: RewardBenchReport): string {
  const names = report.components.map(({ name }) => name);
  const head = [
    'question',
    'response',
    'answer',
    'planted',
    'total',
    ...names.flatMap((name) => [name, `${name} reason`]),
  ];
  const lines = report.rows.map((row) => [
    row.prompt,
    row.response,
    row.reference,
    row.planted ?? '',
    row.total,
    ...row.components.flatMap(({ value, reason }) => [value, reason]),
  ]);
  return [head, ...lines].map((line) => `${line.map(cell).join(',')}\r\n`).join('');
}
