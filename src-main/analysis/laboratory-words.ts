/** What the numbers of the laboratory mean, for people who do not do mathematics. */
import type { LaboratoryRow, SampledRow, TheoremReport } from '../contract/laboratory.ts';

type RowNumbers = Pick<
  LaboratoryRow,
  'verdict' | 'scale' | 'cosine' | 'noise' | 'answers' | 'tokens' | 'tokensNeeded'
>;

/** A number with at most three significant digits. */
function short(value: number): string {
  return new Intl.NumberFormat('en', { maximumSignificantDigits: 3 }).format(value);
}

/** The angle between the expected and the true gradient, in degrees. */
export function angleOf(cosine: number): number {
  return (Math.acos(Math.max(-1, Math.min(1, cosine))) * 180) / Math.PI;
}

/** What one row says: where it points, and what a clear step costs. */
export function rowMeaning(row: RowNumbers): string {
  if (row.cosine === null || row.noise === null || row.tokensNeeded === null) {
    return 'On average it points nowhere: here it would teach nothing.';
  }
  return `${direction(row, row.cosine)} ${price(row, row.noise, row.tokensNeeded)}`;
}

function direction(row: RowNumbers, cosine: number): string {
  if (row.verdict === 'unbiased') return 'On average exactly the true gradient.';
  if (row.verdict === 'multiple') {
    const factor = 1 / row.scale;
    return `On average exactly the true direction, ${short(row.scale)} times as long: a learning rate ${short(factor)} times as large makes up for it.`;
  }
  const angle = angleOf(cosine);
  if (row.scale <= 0)
    return `On average it points away from the goal, ${short(angle)}° off: here it would make answers worse.`;
  return `Even with endless samples it points ${short(angle)}° beside the true direction.`;
}

function price(row: RowNumbers, noise: number, tokensNeeded: number): string {
  const answers = `${short(row.answers)} ${row.answers === 1 ? 'answer' : 'answers'}`;
  return `One estimate takes ${answers} (${short(row.tokens)} tokens) and its noise is ${short(noise)} times its signal, so about ${short(tokensNeeded)} tokens make one clear step.`;
}

/** What one row says that was measured on a model. */
export function sampledMeaning(
  row: Pick<SampledRow, 'verdict' | 'cosine' | 'noise' | 'tokens' | 'tokensNeeded'>,
): string {
  const { cosine, noise, tokensNeeded } = row;
  if (row.verdict === 'noisy' || cosine.value === null || cosine.low === null || cosine.high === null) {
    return 'Too noisy to tell where it points: ask more questions or sample more answers.';
  }
  const range = `cosine ${short(cosine.value)}, 95 % interval ${short(cosine.low)} to ${short(cosine.high)}`;
  const where =
    row.verdict === 'biased'
      ? `Points beside the reference (${range}).`
      : `No evidence that it points elsewhere than the reference (${range}).`;
  if (noise.value === null || tokensNeeded.value === null) return where;
  return `${where} One estimate takes ${short(row.tokens)} tokens and its noise is ${short(noise.value)} times its signal: about ${short(tokensNeeded.value)} tokens for a clear step.`;
}

/** What the theorem's demonstration shows. */
export function theoremWords(theorem: TheoremReport): string {
  const agree = `Rewards drawn for single tokens and their sum as one reward for the whole answer give the same gradient: the largest difference is ${theorem.largestDifference.toExponential(1)}.`;
  if (theorem.discount === 1) return agree;
  return `${agree} With a discount of ${theorem.discount} they differ by up to ${short(theorem.discountedDifference)}.`;
}

/** What the whole table says. */
export function summarise(rows: readonly LaboratoryRow[], theorem: TheoremReport): string[] {
  const sentences = [theoremWords(theorem)];
  const usable = rows.filter(({ family }) => family !== 'theorem' && family !== 'critic');
  const straight = usable.filter(({ verdict }) => verdict !== 'biased');
  const cheapest = lowest(straight, ({ tokensNeeded }) => tokensNeeded);
  if (cheapest !== undefined && cheapest.tokensNeeded !== null) {
    sentences.push(
      `Of the estimators that point exactly right, ${cheapest.title} needs the fewest generated tokens for one clear step here: about ${short(cheapest.tokensNeeded)}.`,
    );
  }
  const crooked = rows.filter(({ verdict, otherGoal }) => verdict === 'biased' && !otherGoal);
  const worst = lowest(crooked, ({ cosine }) => cosine);
  if (worst !== undefined && worst.cosine !== null) {
    sentences.push(
      `${crooked.length === 1 ? 'One estimator points' : `${crooked.length} estimators point`} elsewhere however many answers they see; the furthest off is ${worst.title}, by ${short(angleOf(worst.cosine))}°.`,
    );
  }
  return sentences;
}

/** What the whole table of a measurement says. */
export function summariseSampled(rows: readonly SampledRow[]): string[] {
  const sentences: string[] = [];
  const clear = rows.filter(({ verdict }) => verdict === 'clear');
  const cheapest = lowest(clear, ({ tokensNeeded }) => tokensNeeded.value);
  if (cheapest !== undefined) {
    const { value, low, high } = cheapest.tokensNeeded;
    const range = low === null || high === null ? '' : ` (95 % interval ${short(low)} to ${short(high)})`;
    const rivals = clear.filter(
      (row) =>
        row !== cheapest && high !== null && row.tokensNeeded.low !== null && row.tokensNeeded.low <= high,
    );
    sentences.push(
      `Of the methods without evidence of bias, ${cheapest.title} needs the fewest generated tokens for one clear step: about ${short(value ?? 0)}${range}.${rivals.length === 0 ? '' : ` ${rivals.length === 1 ? `${rivals[0]?.title ?? ''} cannot` : `${rivals.length} others cannot`} be told from it: their intervals overlap.`}`,
    );
  }
  const crooked = rows.filter(({ verdict }) => verdict === 'biased');
  if (crooked.length > 0) {
    sentences.push(
      `${crooked.length === 1 ? 'One method points' : `${crooked.length} methods point`} beside the reference: ${crooked.map(({ title }) => title).join(', ')}.`,
    );
  }
  const noisy = rows.filter(({ verdict }) => verdict === 'noisy');
  if (noisy.length > 0) {
    sentences.push(
      `Nothing can be said yet of ${noisy.map(({ title }) => title).join(', ')}: more answers would tell.`,
    );
  }
  return sentences;
}

function lowest<R>(rows: readonly R[], of: (row: R) => number | null): R | undefined {
  let best: R | undefined;
  let least = Infinity;
  for (const row of rows) {
    const value = of(row);
    if (value === null || !(value < least)) continue;
    least = value;
    best = row;
  }
  return best;
}
