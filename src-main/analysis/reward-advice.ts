/** Plain advice about a reward from what the bench or the pre-flight measured: what would go wrong, and what to change. */
import { plantedTexts, type BenchAdvice, type RewardBenchReport } from '../contract/reward-bench.ts';

export type RewardFacts = Omit<RewardBenchReport, 'advice' | 'rows' | 'printed' | 'seconds'>;

/** A cheat that gets more than this share of the real answers get pays. */
const cheatPays = 0.5;
const cheatTies = 0.4;
/** Slower graders than this are a part of every step that one notices, in seconds an answer. */
const slowGrader = 0.05;
const fewGroups = 0.2;
const manyTruncated = 0.2;
const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** In the order of their weight: what blocks a start first. */
export function rewardAdvice(facts: RewardFacts): BenchAdvice[] {
  const advice = [...signal(facts), ...grading(facts), ...cheats(facts), ...columns(facts), ...length(facts)];
  const order = ['blocking', 'warning', 'note', 'good'];
  advice.sort((one, other) => order.indexOf(one.level) - order.indexOf(other.level));
  return advice.length > 0
    ? advice
    : [{ level: 'good', message: 'Nothing looks wrong with this reward.', advice: 'Train with it.' }];
}

/** Whether rewards differ at all, and within groups: where they don't, nothing can be learnt. */
function signal({ from, total, answers, questions, groupsWithSignal }: RewardFacts): BenchAdvice[] {
  if (answers === 0) return [];
  if (from === 'references') return rightAnswers(total);
  const value = total.mean === null ? '' : ` (${total.mean.toPrecision(3)})`;
  if (total.count > 1 && total.distinct === 1) {
    return [
      {
        level: 'blocking',
        message: `All ${total.count} answers get the same reward${value}, so they teach nothing.`,
        advice:
          total.mean === 0
            ? 'The model never gets it right: give easier questions, a larger or better trained model, a part of the reward for coming nearer, or learn from right answers first (method sft).'
            : 'The model always gets it right, or the reward does not look at what differs: give harder questions or a stricter reward.',
      },
    ];
  }
  if (groupsWithSignal === null) return [];
  if (groupsWithSignal === 0) {
    return [
      {
        level: 'blocking',
        message: `In none of the ${questions} groups do the rewards differ: methods that compare answers to one question learn nothing.`,
        advice:
          'Raise the temperature, sample more answers for each question, or choose questions that the model gets right now and then.',
      },
    ];
  }
  if (groupsWithSignal < fewGroups) {
    return [
      {
        level: 'warning',
        message: `Only ${percent(groupsWithSignal)} of the groups carry a signal: in the others all answers get the same reward.`,
        advice:
          'Raise the temperature, sample more answers for each question, or choose questions that are neither too hard nor too easy; DAPO replaces groups without signal.',
      },
    ];
  }
  return [
    {
      level: 'good',
      message: `${percent(groupsWithSignal)} of the groups carry a signal: their answers get different rewards.`,
      advice: 'Enough to learn from.',
    },
  ];
}

/** The right answers of the data ought to get the best reward, all of them. */
function rightAnswers({ count, distinct, low, high, histogram }: RewardFacts['total']): BenchAdvice[] {
  if (count === 0 || low === null || high === null) return [];
  if (high <= 0) {
    return [
      {
        level: 'blocking',
        message: `No right answer of the data gets more than ${high.toPrecision(3)}.`,
        advice: 'The reward does not recognise right answers: check its settings and the answer column.',
      },
    ];
  }
  if (distinct === 1) {
    return [
      {
        level: 'good',
        message: `All ${count} right answers of the data get ${high.toPrecision(3)}.`,
        advice: 'The reward recognises them; try it on answers of a model, too.',
      },
    ];
  }
  const best = histogram?.counts.at(-1) ?? 0;
  return [
    {
      level: best / count < 0.9 ? 'warning' : 'note',
      message: `${count - best} of ${count} right answers of the data get less than the best one (from ${low.toPrecision(3)} to ${high.toPrecision(3)}).`,
      advice:
        'Sort the answers by their total and look at the lowest: either the data or the reward is wrong there.',
    },
  ];
}

function grading({ reward, answers, notGradable, masked }: RewardFacts): BenchAdvice[] {
  const found: BenchAdvice[] = [];
  if (answers > 0 && notGradable > 0) {
    const share = notGradable / answers;
    found.push({
      level: share > reward.notGradableLimit ? 'blocking' : 'warning',
      message: `${percent(share)} of the answers (${notGradable}) could not be graded.`,
      advice:
        'Look at their reasons: most often the row has no right answer, a column has another name, or a judge or model cannot be reached.',
    });
  }
  if (answers > 0 && masked / answers > manyTruncated) {
    found.push({
      level: 'warning',
      message: `${percent(masked / answers)} of the answers were cut off and are left out.`,
      advice: 'Raise the longest answer, or let cut-off answers be graded.',
    });
  }
  return found;
}

function cheats({ from, planted, total }: RewardFacts): BenchAdvice[] {
  if (total.distinct < 2 && from !== 'references') return [];
  // Beside right answers even a tie is too much.
  const pays = from === 'references' ? cheatTies : cheatPays;
  return planted.flatMap(({ name, beats, mean }): BenchAdvice[] =>
    beats !== null && beats > pays
      ? [
          {
            level: 'warning',
            message: `An answer that ${verb(name)} (${plantedTexts[name]}) gets ${mean?.toPrecision(3) ?? '?'} and beats ${percent(beats)} of the real answers.`,
            advice: remedies[name],
          },
        ]
      : [],
  );
}

const verb = (name: keyof typeof plantedTexts): string =>
  name === 'injection' || name === 'answer-list' ? 'cheats' : 'says nothing of use';

const remedies: Readonly<Record<keyof typeof plantedTexts, string>> = {
  empty: 'Add a smallest length, or make the main part a gate.',
  spaces: 'Add a smallest length in words, or make the main part a gate.',
  repeated: 'Add the part “No repetition”.',
  'format-only':
    'Lower the weight of the form, or let it be a gate of weight 0 beside a part that grades the content.',
  'answer-list':
    'Ask for one answer only: find “whole” or “marked” instead of any occurrence, or limit the length.',
  echo: 'Compare with the right answer, or add a part that punishes repeating the question.',
  'very-long': 'Add a largest length.',
  injection:
    'Tell the judge in the rubric to grade the text between its marks only, or add a part that no judge grades.',
};

function columns({ from, components, disagreements }: RewardFacts): BenchAdvice[] {
  const constant = (from === 'references' ? [] : components)
    .filter(({ count, distinct }) => count > 1 && distinct === 1)
    .map(({ name, low, count }): BenchAdvice => ({
      level: components.length > 1 ? 'note' : 'warning',
      message: `“${name}” gives ${low?.toPrecision(3) ?? '?'} to all ${count} answers.`,
      advice: 'It changes nothing yet; as a guard against cheats it may stay.',
    }));
  const slow = components
    .filter(({ secondsPerAnswer }) => secondsPerAnswer !== null && secondsPerAnswer > slowGrader)
    .map(({ name, secondsPerAnswer }): BenchAdvice => ({
      level: 'note',
      message: `“${name}” takes ${secondsPerAnswer?.toPrecision(2) ?? '?'} s for each answer.`,
      advice: 'Count on it in the time of a run: answers in a step times this.',
    }));
  const opposed = disagreements
    .filter(({ correlation }) => correlation !== null && correlation < -0.3)
    .map(({ first, second, correlation }): BenchAdvice => ({
      level: 'note',
      message: `“${first}” and “${second}” pull against each other (rank correlation ${correlation?.toFixed(2) ?? '?'}).`,
      advice: 'Check by the examples that their weights say what you mean.',
    }));
  return [...constant, ...slow, ...opposed];
}

function length({ truncated }: RewardFacts): BenchAdvice[] {
  return truncated > manyTruncated
    ? [
        {
          level: 'warning',
          message: `${percent(truncated)} of the answers were cut off at the longest length.`,
          advice: 'Raise the longest answer (budget.maxTokens), or ask for shorter answers in the question.',
        },
      ]
    : [];
}
