/** From one experiment to its runs: one for each combination of the settings in `vary` and each seed. */
import { userError } from './errors.ts';
import { experimentSchema, runConfigSchema, type Experiment, type RunConfig } from './experiment.ts';
import { explainIssues, hasField } from './explain-issues.ts';
import { nearestName } from './nearest-name.ts';
import { fieldsAt } from './schema-fields.ts';

/** More runs than this in one experiment are taken for a mistake. */
const mostRuns = 1_000;

/** Fields that make no sense as settings of one run. */
const notVaried = ['version', 'name', 'vary', 'budget.seeds'];

/** One run of an experiment: its complete settings, and what tells it from the others. */
export interface PlannedRun {
  readonly config: RunConfig;
  /** For example `rloo · seed 2`; empty when the experiment has one run. */
  readonly label: string;
}

/**
 * Runs in a fixed order: combinations as they are written, the last setting of `vary` fastest, seeds innermost.
 * @throws user error `vary-unknown` (names the nearest setting), `vary-invalid` (a value does not fit), `vary-many`
 */
export function expandExperiment(experiment: Experiment): PlannedRun[] {
  const { vary = {}, ...base } = experiment;
  const settings = Object.entries(vary);
  for (const [path] of settings) checkPath(path, base);
  const seeds = [...new Set(base.budget.seeds)];
  const count = settings.reduce((product, [, values]) => product * values.length, seeds.length);
  if (count > mostRuns) {
    throw userError('vary-many', `The experiment would be ${count} runs; the most is ${mostRuns}.`, {
      where: 'vary',
      advice: 'Give fewer values or seeds.',
    });
  }
  return combinations(settings).flatMap((choices) => {
    const document = structuredClone(base);
    for (const { path, value } of choices) assign(document, path.split('.'), value);
    const parsed = experimentSchema.safeParse(document);
    if (!parsed.success) {
      throw explainIssues(experimentSchema, document, parsed.error.issues, 'vary-invalid', 'vary');
    }
    const { vary: _vary, ...config } = parsed.data;
    const label = choices
      .filter(({ path }) => (vary[path]?.length ?? 0) > 1)
      .map(({ path, value }) => valueLabel(path, value));
    return seeds.map((seed) => ({
      config: runConfigSchema.parse({ ...config, budget: { ...config.budget, seeds: [seed] }, seed }),
      label: [...label, ...(seeds.length > 1 ? [`seed ${seed}`] : [])].join(' · '),
    }));
  });
}

interface Choice {
  readonly path: string;
  readonly value: unknown;
}

function combinations(settings: readonly (readonly [string, readonly unknown[]])[]): Choice[][] {
  return settings.reduce<Choice[][]>(
    (found, [path, values]) =>
      found.flatMap((choices) => values.map((value) => [...choices, { path, value }])),
    [[]],
  );
}

function checkPath(path: string, base: object): void {
  const keys = path.split('.');
  if (notVaried.includes(path)) {
    throw userError('vary-unknown', `"${path}" cannot be varied.`, {
      where: `vary.${path}`,
      advice:
        path === 'budget.seeds'
          ? 'List the seeds in budget.seeds: each gives one run.'
          : 'Vary settings such as method.estimator or budget.temperature.',
    });
  }
  if (hasField(experimentSchema, keys, base)) return;
  const near = nearestPath(keys, base);
  throw userError('vary-unknown', `There is no setting "${path}" to vary.`, {
    where: `vary.${path}`,
    advice:
      near === undefined
        ? 'Write the path of a setting, such as method.estimator.'
        : `Did you mean "${near}"?`,
  });
}

function nearestPath(keys: readonly string[], base: object): string | undefined {
  const fixed: string[] = [];
  for (const [index, key] of keys.entries()) {
    const fields = fieldsAt(experimentSchema, fixed, base);
    const known =
      fields.includes(key) || hasField(experimentSchema, [...fixed, key], base)
        ? key
        : nearestName(key, fields);
    if (known === undefined) {
      // The setting without its section: estimator instead of method.estimator.
      const section =
        index === 0
          ? fields.find((name) => fieldsAt(experimentSchema, [name], base).includes(key))
          : undefined;
      return section === undefined ? undefined : [section, ...keys].join('.');
    }
    fixed.push(known);
  }
  return fixed.join('.');
}

/** Sets a value in a document whose path was checked; missing sections in between are made. */
function assign(document: object, keys: readonly string[], value: unknown): void {
  const [key, ...rest] = keys;
  if (key === undefined) return;
  if (rest.length === 0) {
    Object.defineProperty(document, key, {
      value: structuredClone(value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
    return;
  }
  let child: unknown = Object.getOwnPropertyDescriptor(document, key)?.value;
  if (typeof child !== 'object' || child === null) {
    child = {};
    Object.defineProperty(document, key, {
      value: child,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  if (typeof child === 'object' && child !== null) assign(child, rest, value);
}

function valueLabel(path: string, value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const name = path.split('.').at(-1) ?? path;
  return name === 'estimator' ? text : `${name} ${text}`;
}
