/** The laboratory's table as a picture, as SVG: the two gradients of the theorem, and each estimator's error, noise and price. */
import type { LaboratoryReport, LaboratoryRow } from '../contract/laboratory.ts';
import { angleOf } from './laboratory-words.ts';
import { escapeText } from './run-picture.ts';

const width = 960;
const margin = 24;
const theoremHeight = 190;
const rowHeight = 24;
const nameWidth = 290;
/** Okabe and Ito's colours: told apart by colour-blind eyes too. */
const colours = {
  tokens: '#0072b2',
  answer: '#e69f00',
  discounted: '#cc79a7',
  unbiased: '#009e73',
  multiple: '#56b4e9',
  biased: '#d55e00',
  ink: '#3a3f47',
  line: '#d5d9df',
};

const place = (value: number): string => value.toFixed(1);

/** At most three significant digits; – where there is none. */
function short(value: number | null): string {
  return value === null ? '–' : new Intl.NumberFormat('en', { maximumSignificantDigits: 3 }).format(value);
}

/** The picture as a complete SVG document. */
export function laboratoryPicture(report: LaboratoryReport, title: string): string {
  const rowsTop = theoremHeight + 124;
  const height = rowsTop + 30 + report.rows.length * rowHeight + margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="${colours.ink}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(margin, 28, escapeText(title), 'font-size="16" font-weight="600"'),
    ...theoremPart(report),
    ...rowsPart(report.rows, rowsTop),
    '</svg>',
    '',
  ].join('\n');
}

function text(x: number, y: number, content: string, more = ''): string {
  return `<text x="${place(x)}" y="${place(y)}"${more === '' ? '' : ` ${more}`}>${content}</text>`;
}

function bar(x: number, y: number, wide: number, high: number, colour: string): string {
  return `<rect x="${place(x)}" y="${place(y)}" width="${place(Math.max(wide, 0))}" height="${place(Math.max(high, 0))}" fill="${colour}"/>`;
}

function legend(entries: readonly (readonly [string, string])[], y: number): string[] {
  let x = margin;
  return entries.map(([colour, label]) => {
    const drawn = bar(x, y - 9, 10, 10, colour) + text(x + 15, y, escapeText(label));
    x += 34 + label.length * 6.6;
    return drawn;
  });
}

/** Both gradients, letter by letter of each prefix, and the discounted one beside them. */
function theoremPart({ theorem, states, process }: LaboratoryReport): string[] {
  const series = [
    [theorem.tokenGradient, colours.tokens],
    [theorem.responseGradient, colours.answer],
    [theorem.discountedGradient, colours.discounted],
  ] as const;
  const size = Math.max(1e-12, ...series.flatMap(([values]) => values.map(Math.abs)));
  const top = 76;
  const middle = top + theoremHeight / 2 - 14;
  const reach = theoremHeight / 2 - 24;
  const each = (width - 2 * margin) / theorem.tokenGradient.length;
  const thick = Math.min(10, (each - 3) / series.length);
  const bars = theorem.tokenGradient.flatMap((_, index) =>
    series.map(([values, colour], order) => {
      const value = values[index] ?? 0;
      const high = (Math.abs(value) / size) * reach;
      return bar(
        margin + index * each + 1.5 + order * thick,
        value > 0 ? middle - high : middle,
        thick - 0.5,
        high,
        colour,
      );
    }),
  );
  const letters = process.vocabulary.length;
  const names =
    each < 13
      ? []
      : theorem.tokenGradient.map((_, index) =>
          text(
            margin + (index + 0.5) * each,
            top + theoremHeight - 20,
            escapeText(
              `${states[Math.floor(index / letters)]?.prefix ?? ''}→${process.vocabulary[index % letters] ?? ''}`,
            ),
            'text-anchor="middle" font-size="9"',
          ),
        );
  return [
    ...legend(
      [
        [colours.tokens, 'rewards of single tokens'],
        [
          colours.answer,
          `one reward for the answer (largest difference ${theorem.largestDifference.toExponential(1)})`,
        ],
        [
          colours.discounted,
          `tokens with discount ${theorem.discount} (${short(theorem.discountedDifference)})`,
        ],
      ],
      56,
    ),
    `<line x1="${margin}" x2="${width - margin}" y1="${place(middle)}" y2="${place(middle)}" stroke="${colours.line}"/>`,
    ...bars,
    ...names,
  ];
}

/** One line for each estimator: its error of direction, its noise, its price. */
function rowsPart(rows: readonly LaboratoryRow[], top: number): string[] {
  const parts = [
    {
      title: 'degrees beside the true gradient',
      of: (row: LaboratoryRow) =>
        row.cosine === null ? null : row.verdict === 'biased' ? angleOf(row.cosine) : 0,
    },
    { title: 'noise over signal of one estimate', of: (row: LaboratoryRow) => row.noise },
    { title: 'tokens for one clear step', of: (row: LaboratoryRow) => row.tokensNeeded },
  ];
  const each = (width - 2 * margin - nameWidth) / parts.length;
  const lines = legend(
    [
      [colours.unbiased, 'unbiased'],
      [colours.multiple, 'right direction, other length'],
      [colours.biased, 'biased'],
    ],
    top - 22,
  );
  parts.forEach((part, column) => {
    lines.push(text(margin + nameWidth + column * each, top, escapeText(part.title), 'font-size="11"'));
  });
  rows.forEach((row, index) => {
    const y = top + 14 + index * rowHeight;
    lines.push(text(margin, y + 12, escapeText(row.title)));
    parts.forEach((part, column) => {
      const most = Math.max(1e-12, ...rows.map((other) => part.of(other) ?? 0));
      const value = part.of(row);
      const x = margin + nameWidth + column * each;
      const wide = ((value ?? 0) / most) * (each - 66);
      lines.push(
        bar(x, y + 2, wide, rowHeight - 12, colours[row.verdict]),
        text(x + wide + 5, y + 12, short(value)),
      );
    });
  });
  return lines;
}
