/** `espalier reward REWARD.json`: what a reward says of given answers. */
import { z } from 'zod';
import { userError } from '../../../contract/errors.ts';
import { finishReasonSchema } from '../../../contract/events.ts';
import { explainIssues } from '../../../contract/explain-issues.ts';
import { rewardSchema, type RewardConfig } from '../../../contract/reward.ts';
import { columnText } from '../../../datasets/column-path.ts';
import { scoreAnswer } from '../../../rewards/score-answer.ts';
import { defineCommand, exitCodes } from '../command.ts';
import { parseRows, readTextFile } from '../read-input.ts';
import { formatNumber } from '../table.ts';

const rowForm = '{"prompt": "text", "response": "text", "answer": "text", …}';
const rowSchema = z.looseObject({
  prompt: z.string().default(''),
  response: z.string(),
  finish: finishReasonSchema.default('stop'),
});
/** Any JSON object. */
export const rowValues = z.record(z.string(), z.json());

/** The reward of a file: the document itself, or the `reward` of an experiment file. */
export function parseReward(text: string, file: string): RewardConfig {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw userError(
      'reward-invalid',
      `The reward file is no JSON: ${error instanceof Error ? error.message : ''}`,
      {
        where: file,
        advice: 'For example: {"components": [{"kind": "number"}]}',
      },
    );
  }
  const experiment = z.looseObject({ version: z.number(), reward: z.unknown() }).safeParse(document);
  const reward = experiment.success ? experiment.data.reward : document;
  const parsed = rewardSchema.safeParse(reward);
  if (!parsed.success)
    throw explainIssues(
      rewardSchema,
      reward,
      parsed.error.issues,
      'reward-invalid',
      experiment.success ? 'reward' : '',
    );
  return parsed.data;
}

export const reward = defineCommand({
  name: 'reward',
  summary: 'what a reward says of given answers',
  about: [
    `Grades answers without training. REWARD.json is the "reward" part of an experiment file, or a whole experiment file. Rows of --in are JSONL: ${rowForm}; "answer" is the right answer, and further columns are there for the components that read them.`,
  ],
  positionals: [{ name: 'REWARD.json', help: 'a reward, or an experiment file' }],
  options: { in: { type: 'string', value: 'FILE.jsonl', help: 'Answers to grade; - reads standard input.' } },
  examples: [
    {
      line: 'espalier reward resources/experiments/first-run.json --in answers.jsonl',
      meaning: 'how the first run would grade these answers',
    },
    {
      line: 'espalier reward reward.json --in answers.jsonl --json',
      meaning: 'total, components and reasons of each answer',
    },
  ],
  run: (context, { in: file }, [rewardFile = '']) => {
    if (file === undefined) {
      throw userError('usage', 'Nothing to grade: --in FILE.jsonl is missing.', {
        where: 'espalier reward',
        advice: `Each line is one row: ${rowForm}.`,
      });
    }
    const config = parseReward(readTextFile(context, rewardFile, 'reward file'), rewardFile);
    const rows = parseRows(readTextFile(context, file, 'file of answers'), file, rowSchema, rowForm);
    const { output } = context;
    for (const [index, { prompt, response, finish, ...columns }] of rows.entries()) {
      const row = rowValues.parse({ ...columns, prompt, response });
      const { total, components } = scoreAnswer(config, {
        prompt,
        response,
        reference: columnText(row, 'answer'),
        row,
        finish,
      });
      output.value({
        total,
        components: Object.fromEntries(components.map(({ name, value }) => [name, value])),
        reasons: Object.fromEntries(components.map(({ name, reason }) => [name, reason])),
      });
      const details = components.map(
        ({ name, value, reason }) =>
          `${name} ${value === null ? 'not gradable' : formatNumber(value)} (${reason})`,
      );
      output.text(
        `row ${index + 1}: ${total === null ? 'not gradable' : formatNumber(total)}  ${details.join('; ')}`,
      );
    }
    return Promise.resolve(exitCodes.done);
  },
});
