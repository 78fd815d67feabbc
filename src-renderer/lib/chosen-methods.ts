/** The methods that the runs of an experiment would use, and so what its data and reward must hold. */
import type { EstimatorCard } from '../../src-main/contract/calls.ts';
import { estimators } from './estimators.svelte.ts';
import type { ExperimentDraft } from './experiment-draft.svelte.ts';

/** Cards of the chosen method, or of those that are compared; empty until the host has described them. */
export function chosenMethods(draft: ExperimentDraft): readonly EstimatorCard[] {
  const vary = draft.get('vary');
  const varied =
    typeof vary === 'object' && vary !== null && !Array.isArray(vary) ? vary['method.estimator'] : undefined;
  const names = Array.isArray(varied) ? varied : [draft.text('method.estimator')];
  return names.flatMap((name) => (typeof name === 'string' ? (estimators.find(name) ?? []) : []));
}

/** Whether every one of them learns from the data alone, so that no reward is needed. */
export function learnsFromData(methods: readonly EstimatorCard[]): boolean {
  return methods.length > 0 && methods.every(({ samples }) => !samples);
}
