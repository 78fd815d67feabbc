/** Rewards to begin with: what each is good for, and the checks that it is made of. */
import type { JsonObject } from './json-path.ts';

export interface SampleReward {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly reward: JsonObject;
}

export const sampleRewards: readonly SampleReward[] = [
  {
    id: 'marked-number',
    name: 'Right number after ####',
    about: 'For arithmetic with worked solutions: the number after #### must be the right one.',
    reward: { components: [{ kind: 'number', find: 'marked', mark: '####' }] },
  },
  {
    id: 'format-and-length',
    name: 'Format and length',
    about: 'Thinking and answer each in their tags, the right number in it, and not too many words.',
    reward: {
      components: [
        { kind: 'number', find: 'last', weight: 1 },
        { kind: 'tags', tags: ['think', 'answer'], weight: 0.2 },
        { kind: 'length', unit: 'words', max: 200, margin: 50, weight: 0.2 },
      ],
    },
  },
  {
    id: 'helpful-judge',
    name: 'Judge of helpfulness',
    about: 'Another language model on your computer gives each answer a mark from 0 to 10.',
    reward: {
      components: [
        {
          kind: 'judge',
          endpoint: 'http://127.0.0.1:11434/v1',
          model: 'llama3.2',
          rubric: 'A good answer does what was asked, is correct, and says no more than is needed.',
        },
        { kind: 'repetition', weight: 0.1 },
      ],
    },
  },
];
