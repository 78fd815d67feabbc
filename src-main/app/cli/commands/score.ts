/** `espalier score MODEL`: how likely a model finds given responses, token by token. */
import { userError } from '../../../contract/errors.ts';
import { scoreRowSchema } from '../../../contract/events.ts';
import { defineCommand } from '../command.ts';
import { runJob } from '../job.ts';
import { findModel } from '../model-argument.ts';
import { parseRows, readTextFile } from '../read-input.ts';
import { chatMode } from './generate.ts';

const rowForm = '{"prompt": "text", "response": "text"} or {"ids": [1, 2, 3], "promptLength": 2}';

function mean(values: Float32Array): string {
  return values.length === 0
    ? '–'
    : (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(4);
}

export const score = defineCommand({
  name: 'score',
  summary: 'log-probabilities of given responses, or their scores by a reward model',
  about: [
    `Log-probability and entropy (in nats) of every token of given responses. Rows of --in are JSONL: ${rowForm}. With ids, the first promptLength tokens are the prompt and the rest is scored. No end token is added to responses.`,
    'A reward model (sequence classification with one label) gives one score to each row instead. Prompt and response are put together by its chat template, or by the pair template of its tokenizer; ids are the whole text and need no promptLength.',
  ],
  positionals: [
    {
      name: 'MODEL',
      help: 'a checkpoint folder, builtin:NAME, owner/name as fetched from the Hub, or a run',
    },
  ],
  options: {
    in: { type: 'string', value: 'FILE.jsonl', help: 'Rows to score; - reads standard input.' },
    temperature: {
      type: 'number',
      help: 'Divides the logits.',
      minimum: 0.000001,
      maximum: 100,
      fallback: '1',
    },
    chat: {
      type: 'string',
      value: 'MODE',
      help: 'Whether the chat template is applied to prompts.',
      choices: ['auto', 'on', 'off'],
      fallback: 'auto',
    },
  },
  examples: [
    {
      line: 'espalier score ./my-model --in pairs.jsonl --json',
      meaning: 'one line of numbers for each row',
    },
  ],
  run: async (context, values, [name = '']) => {
    const file = values.in;
    if (file === undefined) {
      throw userError('usage', 'Nothing to score: --in FILE.jsonl is missing.', {
        where: 'espalier score',
        advice: `Each line is one row: ${rowForm}.`,
      });
    }
    const rows = parseRows(readTextFile(context, file, 'file of responses'), file, scoreRowSchema, rowForm);
    for (const [index, row] of rows.entries()) {
      if ('ids' in row && row.promptLength !== undefined && row.promptLength >= row.ids.length) {
        throw userError(
          'rows-invalid',
          `promptLength is ${row.promptLength}, but the row has only ${row.ids.length} tokens: nothing is left to score.`,
          {
            where: `${file}, row ${index + 1}`,
            advice: 'promptLength counts the tokens of the prompt; the response follows them.',
          },
        );
      }
    }
    const { folder } = await findModel(context, name);
    const { output } = context;
    return runJob(
      context,
      {
        type: 'score',
        model: { path: folder, train: 'all', chat: chatMode(values.chat), init: 'weights' },
        rows,
        temperature: values.temperature ?? 1,
      },
      'Scoring',
      (event) => {
        if (event.type === 'model-score') {
          output.value({ score: event.score });
          output.text(`row ${event.row + 1}: ${event.score.toFixed(4)} (${event.tokens} tokens)`);
        }
        if (event.type !== 'scored') return;
        const { logprobs, entropies } = event;
        output.value({ logprobs, entropies });
        const total = logprobs.reduce((sum, value) => sum + value, 0).toFixed(4);
        output.text(
          `row ${event.row + 1}: ${logprobs.length} tokens, log-probability ${total} (mean ${mean(logprobs)}), mean entropy ${mean(entropies)}`,
        );
      },
    );
  },
});
