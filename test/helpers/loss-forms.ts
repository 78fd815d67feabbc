/** Loss specifications for tests. */
import type { KlSpec, SurrogateSpec } from '../../src-main/contract/estimator.ts';

export const plainLoss: SurrogateSpec = {
  kind: 'pg',
  ratio: 'token',
  clipLow: 0.2,
  clipHigh: 0.2,
  aggregation: 'tokenMean',
  constantLength: 1,
  epochs: 1,
  samplerCap: null,
};
export const nllLoss: SurrogateSpec = { ...plainLoss, kind: 'nll' };
export const noKl: KlSpec = { where: 'none', estimator: 'k1', coefficient: 0 };
