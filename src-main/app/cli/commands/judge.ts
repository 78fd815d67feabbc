/** `espalier judge`: keys of judges, whether a judge can be used, what is kept, and how far it agrees with people. */
import type { JudgeOutput } from '../../../contract/cli-output.ts';
import { userError } from '../../../contract/errors.ts';
import type { ComponentOf } from '../../../contract/reward.ts';
import type { Row } from '../../../datasets/row.ts';
import { rubricsDirectory } from '../../host-paths.ts';
import { withRubric } from '../../judge/rubrics.ts';
import type { Services } from '../../services.ts';
import { openJudges } from '../command-judges.ts';
import { defineCommand, exitCodes, type CommandContext } from '../command.ts';
import { measureAgreement, type JudgeAgreement, type PairColumns } from '../judge-agreement.ts';
import { openServices, resourcesDirectory } from '../open-services.ts';
import { createProgressWriter } from '../progress-bar.ts';
import { parseRows, readTextFile } from '../read-input.ts';
import { formatBytes, formatMoment, formatNumber, renderPairs, renderTable } from '../table.ts';
import { parseReward } from '../reward-file.ts';
import { rowValues } from './reward.ts';

const actions = ['check', 'agree', 'keys', 'set-key', 'remove-key', 'rubrics', 'cache'] as const;
type Action = (typeof actions)[number];

function isAction(word: string): word is Action {
  return (actions as readonly string[]).includes(word);
}

/** The first judge of a reward file, with the words of its rubric. */
function readJudge(context: CommandContext, file: string | undefined): ComponentOf<'judge'> {
  if (file === undefined) throw missing('REWARD.json', 'a reward or an experiment with a judge');
  const { components } = parseReward(readTextFile(context, file, 'reward file'), file);
  const found = components.find((component) => component.kind === 'judge');
  if (found === undefined) {
    throw userError('judge-missing', 'The reward has no component of the kind "judge".', {
      where: file,
      advice: 'docs/rewards/judge.md shows one.',
    });
  }
  return withRubric(found, rubricsDirectory({ resourcesDirectory: resourcesDirectory(context) }), file);
}

function missing(what: string, meaning: string): Error {
  return userError('usage', `${what} is missing: ${meaning}.`, {
    where: 'espalier judge',
    advice: 'espalier judge --help shows how each action is called.',
  });
}

async function check(context: CommandContext, services: Services, file: string | undefined): Promise<number> {
  const component = readJudge(context, file);
  const found = await services.call('judge.check', { component });
  const { output } = context;
  output.value({ action: 'check', ...found } satisfies JudgeOutput);
  output.text(
    found.reachable
      ? `${component.endpoint} answers${found.models === null ? '; it does not list its models' : ` and lists ${formatNumber(found.models.length)} models`}.`
      : `${component.endpoint} does not answer.`,
  );
  for (const { level, message, advice } of found.problems) output.text(`${level}: ${message} ${advice}`);
  return found.problems.length === 0 ? exitCodes.done : exitCodes.failed;
}

async function agree(
  context: CommandContext,
  services: Services,
  file: string | undefined,
  input: string | undefined,
  columns: PairColumns,
): Promise<number> {
  const component = readJudge(context, file);
  if (input === undefined) throw missing('--in FILE.jsonl', 'pairs of answers with what people said of them');
  const form = `{"${columns.first}": "text", "${columns.second}": "text", "${columns.against}": "first", …}`;
  const rows: Row[] = parseRows(readTextFile(context, input, 'file of pairs'), input, rowValues, form);
  const { output, interrupts } = context;
  const writer = createProgressWriter(output.errorStream, () => performance.now());
  const started = performance.now();
  let total = 0;
  try {
    const result = await measureAgreement(
      component,
      rows,
      columns,
      services.judges.session(),
      interrupts.signal,
      {
        onProgress: (judged) => {
          total = component.mode === 'compare' ? rows.length : 2 * rows.length;
          const share = judged / total;
          const secondsLeft = ((performance.now() - started) / 1000) * (1 / share - 1);
          writer.update({ title: 'Asking the judge', share, facts: [], secondsLeft });
        },
        onOutage: (state) => {
          if (state === null) return;
          const facts = [`${state.reason}, trying again in ${Math.round(state.wait / 1000)} s`];
          writer.update({ title: `Waiting for ${state.address}`, share: null, facts, secondsLeft: null });
        },
      },
    );
    writer.end();
    output.value({ action: 'agree', ...result } satisfies JudgeOutput);
    output.text(describeAgreement(result));
    return exitCodes.done;
  } catch (error) {
    if (interrupts.signal.aborted) return exitCodes.interrupted;
    throw error;
  } finally {
    writer.end();
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function describeAgreement(result: JudgeAgreement): string {
  const { agreement, decided, kappa, table, counts } = result;
  const { compared, alwaysFirst, alwaysSecond } = counts;
  const facts: [string, string][] = [
    [
      'Pairs',
      `${formatNumber(result.pairs)} (people undecided: ${formatNumber(result.undecided)}, not gradable: ${formatNumber(result.notGradable)})`,
    ],
    [
      'Agreement',
      `${percent(agreement.value)} (95 % interval ${percent(agreement.low)} to ${percent(agreement.high)})`,
    ],
    ["Cohen's kappa", kappa === null ? 'not defined' : kappa.toFixed(3)],
    [
      'Where both decided',
      decided.agreement === null
        ? 'no such pair'
        : `${percent(decided.agreement)} of ${formatNumber(decided.pairs)}`,
    ],
  ];
  if (compared > 0) {
    const share = percent((alwaysFirst + alwaysSecond) / compared);
    facts.push([
      'Decided by the place',
      `${share} (first ${formatNumber(alwaysFirst)}, second ${formatNumber(alwaysSecond)})`,
    ]);
  }
  facts.push([
    'Requests',
    `${formatNumber(counts.requests)} (${formatNumber(counts.cached)} of ${formatNumber(counts.questions)} questions were known)`,
  ]);
  const verdicts = ['first', 'second', 'equal'] as const;
  const matrix = renderTable(
    [{ title: 'people \\ judge' }, ...verdicts.map((title) => ({ title, align: 'right' as const }))],
    verdicts.map((said) => [said, ...verdicts.map((judged) => formatNumber(table[said][judged]))]),
  );
  return `${renderPairs(facts)}\n\n${matrix}`;
}

async function keys({ output }: CommandContext, services: Services): Promise<number> {
  const cards = await services.call('judge.keys', {});
  output.value({ action: 'keys', keys: cards } satisfies JudgeOutput);
  const places = {
    environment: 'environment variable',
    protected: 'encrypted by the system',
    file: 'file for this user alone',
  };
  output.text(
    cards.length === 0
      ? 'No keys are kept.'
      : renderTable(
          [{ title: 'name' }, { title: 'kept as' }, { title: 'where' }],
          cards.map(({ name, place, where }) => [name, places[place], where]),
        ),
  );
  return exitCodes.done;
}

async function setKey(
  context: CommandContext,
  services: Services,
  name: string | undefined,
): Promise<number> {
  if (name === undefined) throw missing('NAME', 'the name of the key');
  if (process.stdin.isTTY) context.output.note('Paste the key, then press Enter and Ctrl+D.');
  const key = readTextFile(context, '-', 'key').trim();
  const card = await services.call('judge.setKey', { name, key });
  context.output.value({ action: 'set-key', key: card } satisfies JudgeOutput);
  context.output.text(`The key "${name}" is kept in ${card.where}.`);
  return exitCodes.done;
}

async function removeKey(
  { output }: CommandContext,
  services: Services,
  name: string | undefined,
): Promise<number> {
  if (name === undefined) throw missing('NAME', 'the name of the key');
  await services.call('judge.removeKey', { name });
  output.value({ action: 'remove-key', name } satisfies JudgeOutput);
  output.text(`The key "${name}" is removed.`);
  return exitCodes.done;
}

async function rubrics({ output }: CommandContext, services: Services): Promise<number> {
  const cards = await services.call('judge.rubrics', {});
  output.value({ action: 'rubrics', rubrics: cards } satisfies JudgeOutput);
  for (const { id, title, about, mode, rubric } of cards)
    output.text(`builtin:${id} (${mode}): ${title}. ${about}\n  ${rubric}\n`);
  return exitCodes.done;
}

async function cache(
  { output }: CommandContext,
  services: Services,
  clear: boolean,
  days: number,
): Promise<number> {
  const removed = clear ? (await services.call('judge.clearCache', { olderThanDays: days })).removed : 0;
  const size = await services.call('judge.cache', {});
  output.value({ action: 'cache', removed, ...size } satisfies JudgeOutput);
  if (clear) output.text(`${formatNumber(removed)} judgements were forgotten.`);
  output.text(
    size.replies === 0
      ? 'No judgements are kept.'
      : `${formatNumber(size.replies)} judgements are kept (${formatBytes(size.bytes)}), the oldest from ${formatMoment(size.oldest)}.`,
  );
  return exitCodes.done;
}

export const judge = defineCommand({
  name: 'judge',
  summary: 'judges: keys, whether they answer, what they said, how far they agree with people',
  about: [
    'check REWARD.json: whether the judge of a reward answers, takes the key and has the model. agree REWARD.json --in FILE: asks it about pairs of answers that people compared, and tells how often it says the same, against what chance would give. rubrics: the rubrics that ship.',
    'keys, set-key NAME, remove-key NAME: keys by name. set-key reads the key from standard input, so that it stands in no history; it is kept in a file for this user alone, never in the database or in experiments. The environment variable ESPALIER_KEY_NAME comes before it.',
    'cache: the judgements that are kept so that nothing is asked twice; --clear forgets them.',
  ],
  positionals: [
    { name: 'ACTION', help: `one of ${actions.join(', ')}` },
    { name: 'FILE-OR-NAME', help: 'the reward of check and agree, or the name of a key', optional: true },
  ],
  options: {
    in: { type: 'string', value: 'FILE.jsonl', help: 'Pairs for agree; - reads standard input.' },
    prompt: {
      type: 'string',
      value: 'TEMPLATE',
      help: 'The question, with column names in braces.',
      fallback: '{prompt}',
    },
    first: { type: 'string', value: 'COLUMN', help: 'Column of the first answer.', fallback: 'first' },
    second: { type: 'string', value: 'COLUMN', help: 'Column of the second answer.', fallback: 'second' },
    against: {
      type: 'string',
      value: 'COLUMN',
      help: 'Column with what people said: first, second or equal; a, b or tie; empty: undecided.',
      fallback: 'label',
    },
    clear: { type: 'boolean', help: 'Forget what is kept.' },
    'older-than': {
      type: 'number',
      value: 'DAYS',
      help: 'With --clear, only what is older than this.',
      minimum: 0,
      fallback: '0',
    },
  },
  examples: [
    {
      line: 'espalier judge set-key mine < key.txt',
      meaning: 'keep a key; "key": "mine" in a judge then names it',
    },
    { line: 'espalier judge check experiment.json', meaning: 'before a run: is the judge there?' },
    {
      line: 'espalier judge agree judge.json --in pairs.jsonl --first response_a --second response_b --against label',
      meaning: 'can the judge be trusted?',
    },
  ],
  exits: { 1: 'check found something' },
  run: async (context, values, [action = '', name]) => {
    if (!isAction(action)) {
      throw userError('usage', `There is no action "${action}".`, {
        where: 'espalier judge',
        advice: `Actions: ${actions.join(', ')}.`,
      });
    }
    const clears = action === 'cache' && values.clear;
    const services = clears ? openServices(context, { startWaiting: false }) : openJudges(context);
    try {
      switch (action) {
        case 'check':
          return await check(context, services, name);
        case 'agree':
          return await agree(context, services, name, values.in, {
            prompt: (values.prompt ?? '{prompt}').replaceAll('\\n', '\n'),
            first: values.first ?? 'first',
            second: values.second ?? 'second',
            against: values.against ?? 'label',
          });
        case 'keys':
          return await keys(context, services);
        case 'set-key':
          return await setKey(context, services, name);
        case 'remove-key':
          return await removeKey(context, services, name);
        case 'rubrics':
          return await rubrics(context, services);
        case 'cache':
          return await cache(context, services, values.clear, values['older-than'] ?? 0);
      }
    } finally {
      await services.close();
    }
  },
});
