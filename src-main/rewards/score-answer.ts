/** Grades one answer by built-in verifiers: pure functions of the answer and its row, the same in every process. */
import type { ComponentOf, RewardConfig, RewardScore } from '../contract/reward.ts';
import { scoreBalance } from './balance.ts';
import { scoreChoice } from './choice.ts';
import { combine, componentNames } from './combine.ts';
import { scoreContains } from './contains.ts';
import { scoreEquation } from './equation.ts';
import { scoreExact } from './exact.ts';
import type { VerifierKind } from './grader.ts';
import { scoreInstructions } from './instructions.ts';
import { scoreJson } from './json.ts';
import { scoreLength } from './length.ts';
import { scoreNumber } from './number.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { scoreOverlong } from './overlong.ts';
import { scoreRepetition } from './repetition.ts';
import { scoreScript } from './script.ts';
import { scoreSimilarity } from './similarity.ts';
import { scoreTags } from './tags.ts';

/** What a built-in verifier says of an answer; similarity compares a bounded part, all others take time linear in its length. */
export function scoreVerifier(component: ComponentOf<VerifierKind>, item: RewardItem): Outcome {
  switch (component.kind) {
    case 'exact':
      return scoreExact(item, component);
    case 'number':
      return scoreNumber(item, component);
    case 'equation':
      return scoreEquation(item, component);
    case 'choice':
      return scoreChoice(item, component);
    case 'contains':
      return scoreContains(item, component);
    case 'json':
      return scoreJson(item, component);
    case 'tags':
      return scoreTags(item, component);
    case 'length':
      return scoreLength(item, component);
    case 'overlong':
      return scoreOverlong(item, component);
    case 'repetition':
      return scoreRepetition(item, component);
    case 'script':
      return scoreScript(item, component);
    case 'instructions':
      return scoreInstructions(item, component);
    case 'balance':
      return scoreBalance(item, component);
    case 'similarity':
      return scoreSimilarity(item, component);
  }
}

/** Scores one answer by a reward of built-in verifiers alone. */
export function scoreAnswer(reward: RewardConfig, item: RewardItem): RewardScore {
  const outcomes = reward.components.map((component) =>
    scoreVerifier(component as ComponentOf<VerifierKind>, item),
  );
  return combine(reward, componentNames(reward), outcomes, item);
}
