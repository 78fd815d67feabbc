/**
 * The parts that a reward is made of: one schema for each kind, with the help that forms, command line and documents
 * share. What each kind does is in `rewards/`, its page in docs/rewards.
 */
import { z } from 'zod';
import { instructionSchema } from './instruction-checks.ts';

export { instructionSchema } from './instruction-checks.ts';

/** Settings that every component has. */
const common = {
  name: z
    .string()
    .min(1)
    .optional()
    .meta({ label: 'Column name', help: 'Name of the logged column; the kind when left out.' }),
  weight: z
    .number()
    .default(1)
    .meta({ label: 'Weight', help: 'Factor of this component in the total; 0 only watches it.' }),
  range: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, 'the first number must be the smaller one')
    .optional()
    .meta({ label: 'Range', help: 'Values are cut off to this range, for example [0, 1].' }),
  normalise: z.boolean().default(false).meta({
    label: 'Even out',
    term: 'normalise by running statistics',
    help: 'Subtracts the mean of all values of the run so far and divides by their deviation: for scores without a fixed scale.',
  }),
  gate: z.number().optional().meta({
    label: 'Must reach',
    term: 'gate',
    help: 'The whole reward is 0 unless this component reaches this value (before its weight); it may have weight 0.',
  }),
};

const ignoreCase = z
  .boolean()
  .default(true)
  .meta({ label: 'Ignore case', help: 'Capital and small letters count as the same.' });

/** A judge: a language model behind any endpoint that speaks the OpenAI interface. */
export const judgeComponentSchema = z.strictObject({
  kind: z.literal('judge'),
  ...common,
  endpoint: z.url({ protocol: /^https?$/ }).meta({
    label: 'Address of the judge',
    help: 'Base address of any server that speaks the OpenAI interface, for example http://127.0.0.1:11434/v1.',
  }),
  model: z
    .string()
    .min(1)
    .meta({ label: 'Model of the judge', help: 'The name by which the server knows the model.' }),
  key: z.string().min(1).optional().meta({
    label: 'Key',
    help: 'Name of a key kept outside experiments and database; left out, requests carry none.',
  }),
  mode: z.enum(['score', 'compare']).default('score').meta({
    label: 'How it judges',
    term: 'pointwise or pairwise',
    help: 'score: a number for each answer; compare: whether the answer is better than the right answer of its row, asked in both orders.',
  }),
  rubric: z.string().min(1).meta({
    label: 'What is good',
    term: 'rubric',
    help: 'What the judge is to look for, in plain words; {prompt}, {response}, {answer} and column names in braces may be used.',
  }),
  scale: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, 'the first number must be the smaller one')
    .default([0, 10])
    .meta({
      label: 'Scale',
      help: 'Lowest and highest mark that the judge may give; marks become values from 0 to 1.',
    }),
  structured: z.boolean().default(true).meta({
    label: 'Ask for JSON',
    term: 'structured output',
    help: 'Asks the server to keep to a JSON form; servers that cannot are asked in words.',
  }),
  concurrency: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .meta({ label: 'Requests at once', help: 'Most requests under way at a time.', unit: 'requests' }),
  timeout: z
    .number()
    .positive()
    .max(300)
    .default(60)
    .meta({
      label: 'Patience',
      term: 'time-out',
      help: 'Longest wait for one answer of the judge.',
      unit: 'seconds',
    }),
  retries: z
    .int()
    .min(0)
    .max(20)
    .default(4)
    .meta({
      label: 'Tries again',
      help: 'How often a request that failed is made again, with growing pauses.',
    }),
  maxRequests: z
    .int()
    .min(1)
    .optional()
    .meta({
      label: 'Most requests',
      term: 'budget',
      help: 'The run pauses after this many requests to the judge; answers from the cache cost nothing.',
      unit: 'requests',
    }),
  maxTokens: z
    .int()
    .min(1)
    .max(100_000)
    .default(512)
    .meta({
      label: 'Longest judgement',
      help: 'Most tokens that the judge may write for one answer.',
      unit: 'tokens',
    }),
  temperature: z.number().min(0).max(2).default(0).meta({
    label: 'Temperature of the judge',
    help: '0: the judge gives its likeliest judgement, the same each time as far as its server allows.',
  }),
  outage: z
    .number()
    .positive()
    .max(10_080)
    .default(60)
    .meta({
      label: 'Wait for a judge that is down',
      help: 'How long a run waits for a judge that does not answer at all before it stops with a checkpoint.',
      unit: 'minutes',
    }),
});

/** A judge that is being set up: which models there are is known only once its server was asked. */
export const judgeDraftSchema = judgeComponentSchema.extend({
  model: z.string().min(1).optional(),
  rubric: z.string().min(1).optional(),
});
export type JudgeDraft = z.output<typeof judgeDraftSchema>;

export const rewardComponentSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('exact'),
    ...common,
    ignoreCase: z
      .boolean()
      .default(false)
      .meta({ label: 'Ignore case', help: 'Capital and small letters count as the same.' }),
  }),
  z.strictObject({
    kind: z.literal('number'),
    ...common,
    find: z.enum(['whole', 'last', 'marked']).default('whole').meta({
      label: 'Where the number stands',
      help: 'whole: the whole answer must be one number; last: the last number in the text counts; marked: the number after the mark.',
    }),
    mark: z
      .string()
      .min(1)
      .default('####')
      .meta({
        label: 'Mark',
        help: 'For marked: text that stands before the number, in the answer and, where it is there, in the right answer.',
      }),
    tolerance: z
      .number()
      .min(0)
      .default(0)
      .meta({ label: 'Tolerance', help: 'Largest accepted difference, relative to the right answer.' }),
  }),
  z.strictObject({
    kind: z.literal('equation'),
    ...common,
    numbers: z
      .string()
      .default('check.numbers')
      .meta({ label: 'Numbers column', help: 'Column that holds the numbers to use.' }),
    target: z
      .string()
      .default('check.target')
      .meta({ label: 'Target column', help: 'Column that holds the value to reach.' }),
  }),
  z.strictObject({
    kind: z.literal('choice'),
    ...common,
    options: z
      .int()
      .min(2)
      .max(26)
      .default(4)
      .meta({ label: 'Choices', help: 'How many letters may be chosen: 4 means A to D.' }),
  }),
  z.strictObject({
    kind: z.literal('contains'),
    ...common,
    texts: z
      .array(z.string().min(1))
      .min(1, 'at least one text')
      .default(['{answer}'])
      .meta({
        label: 'Texts',
        help: 'Texts to look for; {answer} (the right answer) and column names in braces are filled in from the row.',
      }),
    need: z
      .enum(['all', 'any', 'none'])
      .default('all')
      .meta({ label: 'How many', help: 'all: each must occur; any: at least one; none: none of them.' }),
    words: z
      .boolean()
      .default(false)
      .meta({ label: 'Whole words', help: 'Only whole words count, not parts of longer ones.' }),
    ignoreCase,
  }),
  z.strictObject({
    kind: z.literal('regex'),
    ...common,
    pattern: z
      .string()
      .min(1)
      .max(10_000)
      .meta({
        label: 'Pattern',
        term: 'regular expression',
        help: 'JavaScript regular expression; it runs in the sandbox with a time limit.',
      }),
    flags: z
      .string()
      .regex(/^[imsu]*$/, 'only the flags i, m, s and u')
      .default('')
      .meta({
        label: 'Flags',
        help: 'i: ignore case; m: ^ and $ at each line; s: dot matches line breaks; u: Unicode.',
      }),
    need: z
      .enum(['found', 'absent', 'whole'])
      .default('found')
      .meta({
        label: 'What counts',
        help: 'found: occurs somewhere; absent: does not occur; whole: the whole answer matches.',
      }),
    capture: z
      .boolean()
      .default(false)
      .meta({ label: 'Compare the group', help: 'The text of the first group must equal the right answer.' }),
  }),
  z.strictObject({
    kind: z.literal('json'),
    ...common,
    shape: z.enum(['any', 'object', 'list']).default('any').meta({
      label: 'Which JSON',
      help: 'any: any value, a bare number or text too; object: {…}; list: […].',
    }),
    fenced: z
      .boolean()
      .default(true)
      .meta({ label: 'Allow a code fence', help: 'The JSON may stand in a ```json block.' }),
  }),
  z.strictObject({
    kind: z.literal('json-schema'),
    ...common,
    schema: z
      .record(z.string(), z.json())
      .meta({
        label: 'Schema',
        term: 'JSON Schema',
        help: 'JSON Schema (draft 7 or 2020-12) that the answer must satisfy.',
      }),
    fenced: z
      .boolean()
      .default(true)
      .meta({ label: 'Allow a code fence', help: 'The JSON may stand in a ```json block.' }),
  }),
  z.strictObject({
    kind: z.literal('tags'),
    ...common,
    tags: z
      .array(z.string().regex(/^[A-Za-z][\w-]*$/, 'a tag is a word, without brackets'))
      .min(1)
      .refine((tags) => new Set(tags).size === tags.length, 'each tag only once')
      .default(['think', 'answer'])
      .meta({
        label: 'Tags',
        help: 'Each must be opened and closed exactly once, in this order: <think>…</think><answer>…</answer>.',
      }),
    filled: z
      .boolean()
      .default(true)
      .meta({ label: 'Not empty', help: 'Something must stand inside each tag.' }),
    need: z.enum(['all', 'share']).default('all').meta({
      label: 'What counts',
      help: 'all: 1 only when everything is right; share: the part of the tags that is right.',
    }),
    alone: z
      .boolean()
      .default(true)
      .meta({ label: 'Nothing else', help: 'No text before, between or after the tags.' }),
  }),
  z
    .strictObject({
      kind: z.literal('length'),
      ...common,
      unit: z
        .enum(['characters', 'words', 'sentences', 'tokens'])
        .default('words')
        .meta({ label: 'Counted in', help: 'What is counted.' }),
      min: z.int().min(0).default(0).meta({ label: 'At least', help: 'Shorter answers lose.' }),
      max: z.int().min(1).optional().meta({ label: 'At most', help: 'Longer answers lose.' }),
      margin: z
        .int()
        .min(0)
        .default(0)
        .meta({
          label: 'Margin',
          help: 'The value falls from 1 to 0 over this many units outside the band; 0 falls at once.',
        }),
    })
    .refine(({ min, max }) => max === undefined || min <= max, {
      path: ['max'],
      message: 'must not be less than “At least”',
    }),
  z.strictObject({
    kind: z.literal('overlong'),
    ...common,
    buffer: z
      .int()
      .min(1)
      .default(32)
      .meta({
        label: 'Last tokens that cost',
        help: 'Answers that end within this many tokens of the limit get from 0 down to -1.',
        unit: 'tokens',
      }),
  }),
  z.strictObject({
    kind: z.literal('repetition'),
    ...common,
    size: z
      .int()
      .min(1)
      .max(20)
      .default(3)
      .meta({
        label: 'Words in a row',
        term: 'n-gram size',
        help: 'Repeated runs of this many words count.',
        unit: 'words',
      }),
  }),
  z.strictObject({
    kind: z.literal('script'),
    ...common,
    script: z
      .enum([
        'Latin',
        'Cyrillic',
        'Greek',
        'Arabic',
        'Hebrew',
        'Devanagari',
        'Bengali',
        'Thai',
        'Hangul',
        'Han',
        'Japanese',
      ])
      .default('Latin')
      .meta({
        label: 'Script',
        help: 'Writing system of the wanted language. The value is the share of letters in it.',
      }),
  }),
  z
    .strictObject({
      kind: z.literal('instructions'),
      ...common,
      instructions: z
        .array(instructionSchema)
        .default([])
        .meta({
          label: 'Instructions',
          term: 'IFEval',
          help: 'What every answer must follow; the value is the share that it follows.',
        }),
      idsColumn: z
        .string()
        .min(1)
        .optional()
        .meta({
          label: 'Column of instructions',
          help: 'Column with the ids of the row’s own instructions, for example instruction_id_list.',
        }),
      argumentsColumn: z
        .string()
        .min(1)
        .optional()
        .meta({ label: 'Column of arguments', help: 'Column with their arguments, for example kwargs.' }),
      need: z
        .enum(['share', 'all'])
        .default('share')
        .meta({
          label: 'What counts',
          help: 'share: the part that is followed; all: 1 only when every one is.',
        }),
    })
    .refine(({ instructions, idsColumn }) => instructions.length > 0 || idsColumn !== undefined, {
      path: ['instructions'],
      message: 'at least one instruction, or a column of them',
    }),
  z.strictObject({
    kind: z.literal('balance'),
    ...common,
    good: z
      .array(z.string().min(1))
      .min(1)
      .meta({ label: 'Good words', help: 'Distinct words of this list count for the answer.' }),
    bad: z
      .array(z.string().min(1))
      .default([])
      .meta({ label: 'Bad words', help: 'Distinct words of this list count against it.' }),
    margin: z
      .string()
      .default('check.margin')
      .meta({
        label: 'Margin column',
        help: 'Column with the lead that good words must have; a number stands for itself.',
      }),
    more: z
      .string()
      .default('check.more')
      .meta({ label: 'Side column', help: 'Column that says which side must lead; good and bad stand for themselves.' }),
    topic: z
      .string()
      .nullable()
      .default('check.topic')
      .meta({ label: 'Topic column', help: 'Column with a word that must occur.' }),
    maxWords: z.string().nullable().default('check.max_words').meta({
      label: 'Length column',
      help: 'Column with the most words allowed; a number stands for itself.',
    }),
  }),
  z.strictObject({
    kind: z.literal('similarity'),
    ...common,
    measure: z.enum(['rouge-l', 'edit']).default('rouge-l').meta({
      label: 'Measure',
      help: 'rouge-l: longest common run of words in order (F1); edit: 1 minus the share of characters to change.',
    }),
  }),
  z.strictObject({
    kind: z.literal('code'),
    ...common,
    tests: z
      .string()
      .min(1)
      .default('tests')
      .meta({ label: 'Tests column', help: 'Column with a list of {"args": […], "expected": …}.' }),
    entryPoint: z
      .string()
      .min(1)
      .default('entry_point')
      .meta({ label: 'Function column', help: 'Column with the name of the function to call.' }),
    before: z
      .string()
      .default('')
      .meta({
        label: 'Before the answer',
        help: 'Code put before the answer, with column names in braces: {prompt} when the model writes only the body.',
      }),
    need: z
      .enum(['all', 'share'])
      .default('all')
      .meta({
        label: 'What counts',
        help: 'all: 1 only when every test passes; share: the part that passes.',
      }),
    timeout: z
      .number()
      .positive()
      .max(60)
      .default(5)
      .meta({ label: 'Time limit', help: 'Longest time for all tests of one answer.', unit: 'seconds' }),
  }),
  z.strictObject({
    kind: z.literal('reward-model'),
    ...common,
    models: z
      .array(z.string().min(1))
      .min(1)
      .max(8)
      .meta({
        label: 'Model folders',
        help: 'Sequence-classification checkpoints with one output; several make an ensemble.',
      }),
    spread: z.number().min(0).default(0).meta({
      label: 'Caution',
      term: 'spread penalty k',
      help: 'With several models: mean minus this many standard deviations of their scores.',
      raising: 'Raising it trusts less what the models disagree on.',
    }),
    maxTokens: z
      .int()
      .min(16)
      .default(2048)
      .meta({ label: 'Longest text', help: 'Texts with more tokens lose their beginning.', unit: 'tokens' }),
  }),
  judgeComponentSchema,
  z.strictObject({
    kind: z.literal('function'),
    ...common,
    code: z.string().min(1).max(200_000).meta({
      label: 'Code',
      help: 'JavaScript with a function reward({ prompt, response, answer, row, finish }) that gives a number, or { value, reason }, or null for not gradable.',
    }),
    timeout: z
      .number()
      .positive()
      .max(60_000)
      .default(200)
      .meta({ label: 'Time limit', help: 'Longest time for one answer.', unit: 'milliseconds' }),
    memory: z
      .int()
      .min(16)
      .max(512)
      .default(32)
      .meta({ label: 'Memory limit', help: 'Most memory that the code may take, 12 MB for the engine included.', unit: 'megabytes' }),
  }),
]);
export type RewardComponent = z.output<typeof rewardComponentSchema>;
export type RewardKind = RewardComponent['kind'];
/** The component of one kind. */
export type ComponentOf<K extends RewardKind> = Extract<RewardComponent, { kind: K }>;
