/**
 * A small `resources/` for browser tests: a tiny real model, one example experiment of a few seconds, and data.
 * The model is a copy of a fixture with random weights, so it learns nothing worth showing, but truly trains.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const fixtureModel = resolve(import.meta.dirname, '../fixtures/models/llama-gqa-tied');

export interface TestResources {
  readonly directory: string;
  /** A JSONL file with the columns `question` and `answer`, and one with wrong columns. */
  readonly dataFile: string;
  /** The model as a folder of the user's own. */
  readonly modelFolder: string;
  remove(): Promise<void>;
}

/** Steps of the example run. */
export const exampleSteps = 40;

export async function makeTestResources(): Promise<TestResources> {
  const directory = await mkdtemp(join(tmpdir(), 'espalier-resources-'));
  const model = join(directory, 'models/starter');
  await mkdir(join(directory, 'experiments'), { recursive: true });
  for (const folder of ['laboratory', 'rubrics']) {
    await cp(resolve(import.meta.dirname, '../../resources', folder), join(directory, folder), {
      recursive: true,
    });
  }
  await cp(fixtureModel, model, { recursive: true, filter: (source) => !source.includes('reference.') });
  await writeFile(
    join(model, 'MODEL.md'),
    'A tiny model with random weights; it has learnt from nothing yet.\n',
  );
  const rows = Array.from({ length: 40 }, (_, index) => ({
    question: `${index}+${index + 1}=`,
    answer: String(2 * index + 1),
  }));
  const dataFile = join(directory, 'experiments/sums.jsonl');
  await writeFile(dataFile, rows.map((row) => JSON.stringify(row)).join('\n') + '\n');
  await writeFile(
    join(directory, 'experiments/first-run.json'),
    JSON.stringify({
      version: 1,
      name: 'First run',
      model: { path: 'builtin:starter' },
      data: { path: 'sums.jsonl', prompt: '{question}', answer: '{answer}' },
      reward: { components: [{ kind: 'exact' }] },
      method: { estimator: 'dr-grpo', groupSize: 4, learningRate: 1e-3 },
      budget: {
        steps: exampleSteps,
        promptsPerStep: 4,
        maxTokens: 4,
        evaluateEvery: 10,
        checkpointEvery: 20,
        // The model knows nothing, so that no answer is better than another.
        preflight: 'off',
      },
    }),
  );
  await writeFile(
    join(directory, 'experiments/first-run.md'),
    '# Sums\n\nThe starter model practises sums. Each answer is checked by a rule, and the curve shows how many are right.\n',
  );
  return {
    directory,
    dataFile,
    modelFolder: model,
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
