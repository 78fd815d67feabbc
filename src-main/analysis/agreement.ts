/** How far a judge and people agree on pairs of answers, beyond what chance would give. */

/** The better answer of a pair. */
export type PairVerdict = 'first' | 'second' | 'equal';
const verdicts: readonly PairVerdict[] = ['first', 'second', 'equal'];

export interface AgreementReport {
  readonly pairs: number;
  /** Share of pairs with the same verdict, with its 95 % interval (Wilson). */
  readonly agreement: { readonly value: number; readonly low: number; readonly high: number };
  /** Cohen's kappa: 0 what chance gives, 1 full agreement; null where both always say the same one thing. */
  readonly kappa: number | null;
  /** The same for the pairs on which neither said equal. */
  readonly decided: { readonly pairs: number; readonly agreement: number | null };
  /** Pairs by the verdict of people, then by that of the judge. */
  readonly table: Readonly<Record<PairVerdict, Readonly<Record<PairVerdict, number>>>>;
}

/** Compares verdicts on the same pairs; both lists have the same order. */
export function agreement(people: readonly PairVerdict[], judge: readonly PairVerdict[]): AgreementReport {
  const table = {
    first: { first: 0, second: 0, equal: 0 },
    second: { first: 0, second: 0, equal: 0 },
    equal: { first: 0, second: 0, equal: 0 },
  };
  for (const [place, said] of people.entries()) table[said][judge[place]!]++;
  const pairs = people.length;
  const same = verdicts.reduce((sum, verdict) => sum + table[verdict][verdict], 0);
  const decidedSame = table.first.first + table.second.second;
  const decided = decidedSame + table.first.second + table.second.first;
  return {
    pairs,
    agreement: { value: pairs === 0 ? 0 : same / pairs, ...wilsonInterval(same, pairs) },
    kappa: cohenKappa(table, pairs),
    decided: { pairs: decided, agreement: decided === 0 ? null : decidedSame / decided },
    table,
  };
}

/** Cohen, J. (1960), A coefficient of agreement for nominal scales: (observed − expected) / (1 − expected). */
function cohenKappa(table: AgreementReport['table'], pairs: number): number | null {
  if (pairs === 0) return null;
  let observed = 0;
  let expected = 0;
  for (const verdict of verdicts) {
    const byPeople = verdicts.reduce((sum, other) => sum + table[verdict][other], 0) / pairs;
    const byJudge = verdicts.reduce((sum, other) => sum + table[other][verdict], 0) / pairs;
    observed += table[verdict][verdict] / pairs;
    expected += byPeople * byJudge;
  }
  return 1 - expected < 1e-12 ? null : (observed - expected) / (1 - expected);
}

/** 95 % interval of a share: Wilson, E. B. (1927), which holds for few cases and for shares near 0 and 1. */
export function wilsonInterval(successes: number, cases: number): { low: number; high: number } {
  if (cases === 0) return { low: 0, high: 1 };
  const z = 1.959_963_984_540_054;
  const share = successes / cases;
  const divisor = 1 + (z * z) / cases;
  const centre = (share + (z * z) / (2 * cases)) / divisor;
  const half = (z / divisor) * Math.sqrt((share * (1 - share)) / cases + (z * z) / (4 * cases * cases));
  // Rounding must not put the share itself outside its interval.
  return {
    low: Math.min(share, Math.max(0, centre - half)),
    high: Math.max(share, Math.min(1, centre + half)),
  };
}
