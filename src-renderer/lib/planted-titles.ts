/** Short names of the cheats that the bench plants. A missing one does not compile. */
import type { PlantedName } from '../../src-main/contract/reward-bench.ts';

export const plantedTitles: Readonly<Record<PlantedName, string>> = {
  empty: 'Empty',
  spaces: 'Spaces',
  repeated: 'Repeated',
  'format-only': 'Form only',
  'answer-list': 'List of answers',
  echo: 'Question again',
  'very-long': 'Very long',
  injection: 'Orders',
};
