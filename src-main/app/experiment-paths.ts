/** Paths in an experiment: relative ones are relative to the file; `builtin:NAME` is a model that ships. */
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { userError } from '../contract/errors.ts';
import type { Experiment, RunConfig } from '../contract/experiment.ts';
import type { RewardConfig } from '../contract/reward.ts';
import { nearestName } from '../contract/nearest-name.ts';

/** What the path of a model that ships begins with. */
export const builtinPrefix = 'builtin:';

/** Settings that hold a path, as `vary` names them. */
const pathSettings = ['model.path', 'data.path', 'data.evaluation'];

/** The path as an absolute one; `~` is the home folder, `builtin:NAME` stays. */
export function absolutePath(path: string, directory: string): string {
  if (path.startsWith(builtinPrefix)) return path;
  if (path === '~' || path.startsWith('~/') || path.startsWith('~\\')) return join(homedir(), path.slice(1));
  return isAbsolute(path) ? path : resolve(directory, path);
}

/** The experiment with every path made absolute, those in `vary` too. */
export function resolveExperimentPaths(experiment: Experiment, directory: string): Experiment {
  const { evaluation, ...data } = experiment.data;
  return {
    ...experiment,
    ...withRewardPaths(experiment, (path) => absolutePath(path, directory)),
    model: { ...experiment.model, path: absolutePath(experiment.model.path, directory) },
    data: {
      ...data,
      path: absolutePath(data.path, directory),
      ...(evaluation === undefined ? {} : { evaluation: absolutePath(evaluation, directory) }),
    },
    ...(experiment.vary === undefined
      ? {}
      : {
          vary: Object.fromEntries(
            Object.entries(experiment.vary).map(([path, values]) => [
              path,
              pathSettings.includes(path)
                ? values.map((value) => (typeof value === 'string' ? absolutePath(value, directory) : value))
                : values,
            ]),
          ),
        }),
  };
}

/**
 * The folder of a model: `builtin:NAME` below `modelsDirectory`, any other path as it is, made absolute.
 * @throws user error `model-builtin-unknown` with the models that ship
 */
export function modelFolder(path: string, modelsDirectory: string): string {
  if (!path.startsWith(builtinPrefix)) return absolutePath(path, process.cwd());
  const name = path.slice(builtinPrefix.length);
  const known = builtinModels(modelsDirectory);
  if (known.includes(name)) return join(modelsDirectory, name);
  const near = nearestName(name, known);
  throw userError('model-builtin-unknown', `No model "${name}" ships with Espalier.`, {
    where: 'model.path',
    advice: `${near === undefined ? '' : `Did you mean builtin:${near}? `}${known.length === 0 ? 'This copy ships without models.' : `There is: ${known.map((each) => builtinPrefix + each).join(', ')}.`}`,
  });
}

/** Names of the models that ship, in order. */
export function builtinModels(modelsDirectory: string): string[] {
  if (!existsSync(modelsDirectory)) return [];
  return readdirSync(modelsDirectory)
    .filter((name) => existsSync(join(modelsDirectory, name, 'config.json')))
    .sort();
}

/** A run's settings as the trainer reads them: no `builtin:`, every path absolute. */
export function trainerConfig(config: RunConfig, modelsDirectory: string): RunConfig {
  const folderOf = (path: string): string => modelFolder(path, modelsDirectory);
  return {
    ...config,
    ...withRewardPaths(config, folderOf),
    model: { ...config.model, path: folderOf(config.model.path) },
  };
}

/** The reward with the folders of its reward models changed; nothing where there is no reward. */
function withRewardPaths(
  { reward }: Pick<Experiment, 'reward'>,
  change: (path: string) => string,
): Pick<Experiment, 'reward'> {
  if (reward === undefined) return {};
  return { reward: rewardWithFolders(reward, change) };
}

/** A reward with the folders of its reward models changed. */
export function rewardWithFolders(reward: RewardConfig, change: (path: string) => string): RewardConfig {
  return {
    ...reward,
    components: reward.components.map((component) =>
      component.kind === 'reward-model' ? { ...component, models: component.models.map(change) } : component,
    ),
  };
}
