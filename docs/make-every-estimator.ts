/**
 * Writes docs/estimators/real-runs.md from stored runs of resources/experiments/every-estimator.json.
 * Usage: npx espalier train resources/experiments/every-estimator.json --data FOLDER, then node docs/make-every-estimator.ts FOLDER
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import type { RunSummary } from '../src-main/contract/events.ts';
import { estimators } from '../src-main/estimators/index.ts';
import { estimatorNames, type EstimatorName } from '../src-main/contract/estimator.ts';
import { formatNumber } from '../src-main/app/cli/table.ts';
import { createServices } from '../src-main/app/services.ts';

const [dataDirectory] = process.argv.slice(2);
if (dataDirectory === undefined) throw new Error('usage: node docs/make-every-estimator.ts FOLDER');

const services = createServices({
  dataDirectory: path.resolve(dataDirectory),
  resourcesDirectory: path.join(import.meta.dirname, '..', 'resources'),
  spawnTrainer: () => {
    throw new Error('nothing is trained here');
  },
  version: '',
  readOnly: true,
});

/** The runs of the newest experiment, finished ones alone, by method. */
async function finishedRuns(): Promise<Map<EstimatorName, RunSummary[]>> {
  const rows = await services.call('runs.list', {});
  const newest = rows.toSorted((a, b) => b.createdAt - a.createdAt)[0];
  if (newest === undefined) throw new Error('no runs are stored there');
  const byMethod = new Map<EstimatorName, RunSummary[]>();
  for (const row of rows.filter(({ experimentId }) => experimentId === newest.experimentId)) {
    const { summary, config, status } = await services.call('runs.get', { runId: row.id });
    if (status !== 'done' || summary === null) throw new Error(`${row.name} did not end: ${status}`);
    const list = byMethod.get(config.method.estimator) ?? [];
    byMethod.set(config.method.estimator, [...list, summary]);
  }
  return byMethod;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Deviation of a sample, with n − 1. */
function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function row(name: EstimatorName, runs: readonly RunSummary[]): string {
  const after = runs.map((run) => run.after ?? NaN);
  const gain = runs.map((run) => (run.after ?? NaN) - (run.before ?? NaN));
  const spread = deviation(gain);
  const beyond = mean(gain) > 2 * spread;
  const seconds = mean(runs.map((run) => run.seconds));
  const memory = Math.max(...runs.map((run) => run.peakMemory));
  return `| [${estimators[name].title}](${name}.md) | ${percent(mean(after))} | ${mean(gain) >= 0 ? '+' : '−'}${Math.abs(100 * mean(gain)).toFixed(1)} | ${(100 * spread).toFixed(1)} | ${beyond ? 'yes' : 'no'} | ${formatNumber(Math.round(mean(runs.map((run) => run.answers))))} | ${formatNumber(Math.round(mean(runs.map((run) => run.generatedTokens))))} | ${seconds.toFixed(1)} s | ${Math.round(memory / 2 ** 20)} MB |`;
}

const found = await finishedRuns();
const runs = estimatorNames.flatMap((name) => {
  const list = found.get(name);
  return list === undefined ? [] : [[name, list] as const];
});
await services.close();
const all = runs.flatMap(([, list]) => list);
const seeds = Math.max(...runs.map(([, list]) => list.length));
const before = mean(all.map((run) => run.before ?? NaN));
const steps = all[0]?.steps ?? 0;
const text = `# Every method on the same task

The starter model (1 million parameters) learns sums and differences: the same questions, reward, learning rate, ${steps} steps of 32
questions and ${seeds} seeds for every method, everything else at its default. Before, it answers ${percent(before)} of the 213 held-out
questions right (greedily); the table says what became of it.

\`\`\`sh
npx espalier train resources/experiments/every-estimator.json --data every-estimator
node docs/make-every-estimator.ts every-estimator        # writes this page
\`\`\`

| method | right after | gain (points) | deviation over seeds | gain above twice the deviation | answers | generated tokens | time | peak memory |
| --- | --: | --: | --: | --- | --: | --: | --: | --: |
${runs.map(([name, list]) => row(name, list)).join('\n')}

Means over the seeds; memory is the largest. Times are of whole runs, evaluations and start included, on two cores of a server
(AMD EPYC with AVX-512), one run at a time.

**Where the data come from.** All methods read \`resources/datasets/add-sub/pairs.jsonl\`: 3,080 questions on which the untrained starter gave
both a right and a wrong answer, one of each, written by \`npx espalier samples RUN --pairs FILE\` from a run of one step without learning.
Methods with a reward use its questions, SFT its right answers, DPO, KTO, ORPO and SimPO its pairs. No held-out question is in it.

**How to read it.** Methods that sample eight answers to a question see eight times as many answers as REINFORCE or ReMax in as many
steps: compare them by generated tokens, too. One easy task with answers of at most eight tokens says little about long ones:
looking into answers (VinePPO, TRePO) cannot pay here. DPO alone gets worse: with its default β = 0.1 and this learning rate it pushes
rejected answers down, and chosen ones with them; [its page](dpo.md#what-can-go-wrong) says why, and what helps.
`;
const target = path.join(import.meta.dirname, 'estimators', 'real-runs.md');
writeFileSync(target, await format(text, { ...(await resolveConfig(target)), parser: 'markdown' }));
