/** `espalier reward REWARD.json`: what a reward says of given answers. */
import { z } from 'zod';
import { userError } from '../../../contract/errors.ts';
import { finishReasonSchema } from '../../../contract/events.ts';
import type { RewardConfig, RewardScore } from '../../../contract/reward.ts';
import { columnText } from '../../../datasets/column-path.ts';
import { createGrader } from '../../../rewards/grader.ts';
import type { RewardItem } from '../../../rewards/outcome.ts';
import { SandboxClient } from '../../../rewards/sandbox/client.ts';
import { checkSandboxed, sandboxGraders } from '../../../rewards/sandbox/graders.ts';
import { unavailableKind } from '../../../rewards/unavailable-kind.ts';
import { runJob } from '../job.ts';
import { defineCommand, exitCodes, type CommandContext } from '../command.ts';
import { openJudges } from '../command-judges.ts';
import { resourcesDirectory, spawnSandbox } from '../open-services.ts';
import { rubricsDirectory } from '../../host-paths.ts';
import { withRubrics } from '../../judge/rubrics.ts';
import { parseRows, readTextFile } from '../read-input.ts';
import { readReward } from '../reward-file.ts';
import { formatNumber } from '../table.ts';

const rowForm = '{"prompt": "text", "response": "text", "answer": "text", …}';
const rowSchema = z.looseObject({
  prompt: z.string().default(''),
  response: z.string(),
  finish: finishReasonSchema.default('stop'),
  tokens: z.int().min(0).optional(),
  maxTokens: z.int().min(1).optional(),
});
/** Any JSON object. */
export const rowValues = z.record(z.string(), z.json());

export const reward = defineCommand({
  name: 'reward',
  summary: 'what a reward says of given answers',
  about: [
    `Grades answers without training. REWARD.json is the "reward" part of an experiment file, or a whole experiment file. Rows of --in are JSONL: ${rowForm}; "answer" is the right answer; "finish" (stop or length), "tokens" and "maxTokens" say how the answer ended, for components that ask; further columns are there for the components that read them.`,
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
    const config = readReward(context, rewardFile);
    const rows = parseRows(readTextFile(context, file, 'file of answers'), file, rowSchema, rowForm);
    const models = config.components.some(({ kind }) => kind === 'reward-model' || kind === 'judge');
    return models ? gradeInProcess(context, config, rows) : gradeRows(context, config, rows);
  },
});

/** Rows that are graded together: what is done is shown as it comes, and Ctrl+C waits no longer than for these. */
const rowsAtOnce = 500;

async function gradeRows(
  { output, interrupts }: CommandContext,
  config: RewardConfig,
  rows: readonly z.output<typeof rowSchema>[],
): Promise<number> {
  const sandbox = new SandboxClient(spawnSandbox(), 0);
  const stop = (): void => sandbox.close();
  interrupts.signal.addEventListener('abort', stop);
  const elsewhere = 'A run and the reward bench grade it; take it out of this file to grade the rest here.';
  const grader = createGrader(config, {
    ...sandboxGraders(sandbox),
    // A reward with a model is graded elsewhere as a whole.
    'reward-model': unavailableKind('reward-model', elsewhere),
    judge: unavailableKind('judge', elsewhere),
  });
  try {
    await checkSandboxed(config, sandbox);
    for (let first = 0; first < rows.length; first += rowsAtOnce) {
      const items = rows.slice(first, first + rowsAtOnce).map(itemOf);
      for (const [place, score] of (await grader.grade(items)).entries())
        showScore(output, first + place, score);
      if (interrupts.signal.aborted) return exitCodes.interrupted;
    }
    return exitCodes.done;
  } catch (error) {
    if (interrupts.signal.aborted) return exitCodes.interrupted;
    throw error;
  } finally {
    interrupts.signal.removeEventListener('abort', stop);
    sandbox.close();
  }
}

/** Reward models are loaded in a process of their own, which grades everything else of the reward too; it asks this one for judgements. */
async function gradeInProcess(
  context: CommandContext,
  reward: RewardConfig,
  rows: readonly z.output<typeof rowSchema>[],
): Promise<number> {
  let next = 0;
  const answers = rows.map((row, question) => {
    const { maxTokens: _longest, row: columns, ...item } = itemOf(row);
    return { question, ...item, row: columns, planted: null };
  });
  // A job knows one longest length for all answers.
  const [longest = null, ...others] = new Set(rows.map((row) => itemOf(row).maxTokens));
  if (answers.length === 0) return exitCodes.done;
  const command = {
    type: 'grade',
    reward: withRubrics(reward, rubricsDirectory({ resourcesDirectory: resourcesDirectory(context) })),
    answers,
    planted: false,
    maxTokens: others.length === 0 ? longest : null,
  } as const;
  const services = openJudges(context);
  try {
    return await runJob(
      context,
      command,
      'Grading',
      (event) => {
        if (event.type !== 'graded') return;
        for (const answer of event.answers) showScore(context.output, next++, answer);
      },
      services.judges.session(),
    );
  } finally {
    await services.close();
  }
}

function itemOf({ prompt, response, finish, ...columns }: z.output<typeof rowSchema>): RewardItem {
  const { tokens, maxTokens } = columns;
  const row = rowValues.parse({ ...columns, prompt, response });
  return {
    prompt,
    response,
    reference: columnText(row, 'answer'),
    row,
    finish,
    tokens: tokens ?? null,
    maxTokens: maxTokens ?? null,
  };
}

function showScore(
  output: CommandContext['output'],
  index: number,
  {
    total,
    masked,
    components,
  }: Pick<RewardScore, 'total' | 'components'> & { readonly masked?: boolean | undefined },
): void {
  output.value({
    total,
    ...(masked === true ? { masked } : {}),
    components: Object.fromEntries(components.map(({ name, value }) => [name, value])),
    reasons: Object.fromEntries(components.map(({ name, reason }) => [name, reason])),
  });
  const details = components.map(
    ({ name, value, reason }) =>
      `${name} ${value === null ? 'not gradable' : formatNumber(value)} (${reason})`,
  );
  const verdict = total === null ? (masked === true ? 'left out' : 'not gradable') : formatNumber(total);
  output.text(`row ${index + 1}: ${verdict}  ${details.join('; ')}`);
}
