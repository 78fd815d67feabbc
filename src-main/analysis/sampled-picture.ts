/** What was measured on a model as a picture, as SVG: the cosine and the price of each method with its interval. */
import type { Interval, SampledReport } from '../contract/laboratory.ts';
import { escapeText, ticks } from './run-picture.ts';

const width = 960;
const margin = 24;
const top = 84;
const rowHeight = 28;
const nameWidth = 200;
/** Okabe and Ito's colours: told apart by colour-blind eyes too. */
const colours = { clear: '#009e73', biased: '#d55e00', noisy: '#999999', ink: '#3a3f47', line: '#d5d9df' };

/** The picture as a complete SVG document. */
export function sampledPicture(report: SampledReport, title: string): string {
  const { rows } = report;
  const height = top + rows.length * rowHeight + 40;
  const each = (width - 2 * margin - nameWidth) / 2;
  const panel = (
    name: string,
    column: number,
    of: (row: SampledReport['rows'][number]) => Interval,
  ): string[] => {
    const left = margin + nameWidth + column * each;
    const values = rows
      .flatMap((row) => [of(row).value, of(row).low, of(row).high])
      .filter((value) => value !== null);
    const low = Math.min(0, ...values);
    const high = Math.max(1e-9, ...values);
    const x = (value: number): string => (left + ((value - low) / (high - low)) * (each - 40)).toFixed(1);
    const bottom = top + rows.length * rowHeight;
    return [
      `<text x="${left}" y="${top - 14}">${escapeText(name)}</text>`,
      ...ticks(low, high).map(
        (tick) =>
          `<line x1="${x(tick)}" x2="${x(tick)}" y1="${top - 6}" y2="${bottom}" stroke="${colours.line}"/><text x="${x(tick)}" y="${bottom + 16}" text-anchor="middle" font-size="11">${tick}</text>`,
      ),
      ...rows.flatMap((row, index) => {
        const interval = of(row);
        const y = top + (index + 0.5) * rowHeight;
        const colour = colours[row.verdict];
        return [
          ...(interval.low === null || interval.high === null
            ? []
            : [
                `<line x1="${x(interval.low)}" x2="${x(interval.high)}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="2"/>`,
              ]),
          ...(interval.value === null
            ? []
            : [`<circle cx="${x(interval.value)}" cy="${y}" r="4" fill="${colour}"/>`]),
        ];
      }),
    ];
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="${colours.ink}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${margin}" y="28" font-size="16" font-weight="600">${escapeText(title)}</text>`,
    `<text x="${margin}" y="48">${report.questions} questions, ${report.answers} answers, ${report.batches} independent estimates; lines are 95 % intervals</text>`,
    ...panel('cosine with the reference', 0, (row) => row.cosine),
    ...panel('tokens for one clear step', 1, (row) => row.tokensNeeded),
    ...rows.map(
      (row, index) =>
        `<text x="${margin}" y="${top + (index + 0.5) * rowHeight + 4}">${escapeText(row.title)}</text>`,
    ),
    '</svg>',
    '',
  ].join('\n');
}
