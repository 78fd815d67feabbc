/** A picture of how a run learnt, as SVG: mean reward of each step with its running mean, and the held-out scores. */

export interface RunCurve {
  readonly title: string;
  /** Mean reward of the answers sampled in each step. */
  readonly rewards: { readonly steps: readonly number[]; readonly values: readonly number[] };
  /** Mean reward of greedy answers to held-out questions. */
  readonly evaluations: readonly { readonly step: number; readonly score: number }[];
}

const size = { width: 760, height: 340 };
const frame = { left: 56, right: 20, top: 40, bottom: 46 };
/** Okabe and Ito's blue and vermillion: told apart by colour-blind eyes too. */
const colours = { rewards: '#0072b2', evaluations: '#d55e00', ink: '#3a3f47', line: '#d5d9df' };

/** Values smoothed by an exponential mean that is right from the first value on (its weights are normalised). */
export function runningMean(values: readonly number[], memory = 0.9): number[] {
  let sum = 0;
  let weight = 0;
  return values.map((value) => {
    sum = memory * sum + value;
    weight = memory * weight + 1;
    return sum / weight;
  });
}

/** About five round numbers that span a range. */
export function ticks(low: number, high: number): number[] {
  const span = Math.max(high - low, 1e-9);
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step =
    [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => span / candidate <= 6) ?? span;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor((high - first * step) / step + 1e-9) + 1;
  return Array.from({ length: Math.max(1, count) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** Text as it may stand in SVG. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The picture as a complete SVG document. */
export function runPicture({ title, rewards, evaluations }: RunCurve): string {
  const steps = [...rewards.steps, ...evaluations.map(({ step }) => step)];
  const values = [...rewards.values, ...evaluations.map(({ score }) => score)];
  const lastStep = Math.max(1, ...steps);
  const low = Math.min(0, ...values);
  const high = Math.max(1, ...values);
  const x = (step: number): number =>
    frame.left + (step / lastStep) * (size.width - frame.left - frame.right);
  const y = (value: number): number =>
    size.height - frame.bottom - ((value - low) / (high - low)) * (size.height - frame.top - frame.bottom);
  const place = (px: number): string => px.toFixed(1);
  const path = (xs: readonly number[], ys: readonly number[]): string =>
    xs
      .map((step, index) => `${index === 0 ? 'M' : 'L'}${place(x(step))} ${place(y(ys[index] ?? 0))}`)
      .join('');

  const grid = ticks(low, high).map(
    (value) =>
      `<line x1="${frame.left}" x2="${size.width - frame.right}" y1="${place(y(value))}" y2="${place(y(value))}" stroke="${colours.line}"/>` +
      `<text x="${frame.left - 8}" y="${place(y(value) + 4)}" text-anchor="end">${value}</text>`,
  );
  const below = ticks(0, lastStep).map(
    (step) =>
      `<text x="${place(x(step))}" y="${size.height - frame.bottom + 18}" text-anchor="middle">${step.toLocaleString('en')}</text>`,
  );
  const points = evaluations.map(
    ({ step, score }) =>
      `<circle cx="${place(x(step))}" cy="${place(y(score))}" r="4" fill="${colours.evaluations}"/>`,
  );
  const legend = (start: number, colour: string, text: string): string =>
    `<circle cx="${start}" cy="${frame.top - 12}" r="4" fill="${colour}"/><text x="${start + 9}" y="${frame.top - 8}">${text}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="system-ui, sans-serif" font-size="12" fill="${colours.ink}">`,
    `<rect width="${size.width}" height="${size.height}" fill="#ffffff"/>`,
    `<text x="${frame.left}" y="18" font-size="14" font-weight="600">${escapeText(title)}</text>`,
    legend(frame.left + 4, colours.evaluations, 'held-out questions (greedy)'),
    legend(frame.left + 204, colours.rewards, 'sampled answers, mean reward of each step'),
    ...grid,
    ...below,
    `<path d="${path(rewards.steps, rewards.values)}" fill="none" stroke="${colours.rewards}" stroke-opacity="0.3"/>`,
    `<path d="${path(rewards.steps, runningMean(rewards.values))}" fill="none" stroke="${colours.rewards}" stroke-width="1.6"/>`,
    `<path d="${path(
      evaluations.map(({ step }) => step),
      evaluations.map(({ score }) => score),
    )}" fill="none" stroke="${colours.evaluations}" stroke-width="1.6"/>`,
    ...points,
    `<text x="${(size.width + frame.left) / 2}" y="${size.height - 8}" text-anchor="middle">step</text>`,
    `</svg>`,
    '',
  ].join('\n');
}
