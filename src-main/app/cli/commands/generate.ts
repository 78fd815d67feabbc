/** `espalier generate MODEL`: answers of a model to prompts, without a run. */
import { userError } from '../../../contract/errors.ts';
import { generateRowSchema, type GenerateRow } from '../../../contract/events.ts';
import { defineCommand, type CommandContext } from '../command.ts';
import { runJob } from '../job.ts';
import { findModel } from '../model-argument.ts';
import { parseRows, readTextFile } from '../read-input.ts';

const rowForm = '{"prompt": "text"} or {"ids": [1, 2, 3]}';

function readRows(
  context: CommandContext,
  prompts: readonly string[],
  file: string | undefined,
): GenerateRow[] {
  if ((prompts.length === 0) === (file === undefined)) {
    throw userError(
      'usage',
      prompts.length === 0
        ? 'Nothing to continue: --prompt or --in is missing.'
        : '--prompt and --in exclude each other.',
      {
        where: 'espalier generate',
        advice: 'For example: espalier generate builtin:starter --prompt "12+7="',
      },
    );
  }
  if (file === undefined) return prompts.map((prompt) => ({ prompt }));
  return parseRows(readTextFile(context, file, 'file of prompts'), file, generateRowSchema, rowForm);
}

export const generate = defineCommand({
  name: 'generate',
  summary: 'answers of a model to prompts',
  about: [
    `Samples answers from any supported checkpoint folder, a model that ships, or the best checkpoint of a run. Rows of --in are JSONL: ${rowForm}. Answers come in the order of the rows. The chat template of the model is applied to prompts where it has one (--chat); ids are taken as they are.`,
    'Every answer has a random stream of its own, drawn from the seed: it does not depend on the other rows.',
  ],
  positionals: [
    {
      name: 'MODEL',
      help: 'a checkpoint folder, builtin:NAME, owner/name as fetched from the Hub, or a run',
    },
  ],
  options: {
    prompt: { type: 'string', help: 'A text to continue.', multiple: true },
    in: { type: 'string', value: 'FILE.jsonl', help: 'Rows to continue; - reads standard input.' },
    'max-tokens': { type: 'integer', help: 'Longest answer in tokens.', minimum: 1, fallback: '64' },
    temperature: {
      type: 'number',
      help: 'Divides the logits; 0 always takes the likeliest token.',
      minimum: 0,
      maximum: 100,
      fallback: '1',
    },
    'top-p': {
      type: 'number',
      help: 'Only the likeliest tokens that together have this probability.',
      minimum: 0.000001,
      maximum: 1,
      fallback: '1: off',
    },
    'top-k': {
      type: 'integer',
      help: 'Only this many of the likeliest tokens.',
      minimum: 0,
      fallback: '0: off',
    },
    seed: { type: 'integer', help: 'The same seed gives the same answers.', minimum: 0, fallback: '1' },
    n: { type: 'integer', help: 'Answers for each row.', minimum: 1, maximum: 100_000, fallback: '1' },
    chat: {
      type: 'string',
      value: 'MODE',
      help: 'Whether the chat template is applied.',
      choices: ['auto', 'on', 'off'],
      fallback: 'auto',
    },
  },
  examples: [
    {
      line: 'espalier generate builtin:starter --prompt "12+7=" --n 5',
      meaning: 'five answers to one question',
    },
    {
      line: 'espalier generate last --in questions.jsonl --temperature 0 --json',
      meaning: 'greedy answers of the newest run, for a script',
    },
  ],
  run: async (context, values, [name = '']) => {
    const rows = readRows(context, values.prompt, values.in);
    const { folder } = await findModel(context, name);
    const { output } = context;
    const answers = values.n ?? 1;
    return runJob(
      context,
      {
        type: 'generate',
        model: { path: folder, train: 'all', chat: chatMode(values.chat), init: 'weights' },
        rows,
        maxTokens: values['max-tokens'] ?? 64,
        temperature: values.temperature ?? 1,
        topP: values['top-p'] ?? 1,
        topK: values['top-k'] ?? 0,
        seed: values.seed ?? 1,
        answers,
      },
      'Sampling',
      (event) => {
        if (event.type !== 'generated') return;
        const { ids, text, logprobs, finish } = event;
        output.value({ ids, text, logprobs, finish });
        const heading =
          rows.length * answers > 1
            ? `--- row ${event.row + 1}${answers > 1 ? `, answer ${event.answer + 1}` : ''} (${finish})\n`
            : '';
        output.text(heading + text);
      },
    );
  },
});

/** The mode as the contract names it; the parser of options has refused everything else. */
export function chatMode(text: string | undefined): 'auto' | 'on' | 'off' {
  return text === 'on' || text === 'off' ? text : 'auto';
}
