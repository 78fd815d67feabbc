/**
 * Configurations and splits as the card of a dataset names them: the list `configs` at the top of its README.md, which
 * the Hub gives out parsed. Source: documentation of the library `datasets`, "Structure your repository".
 */
import { matchesGlob } from 'node:path/posix';
import { z } from 'zod';
import type { DataPlace, ListedFile } from './choose-files.ts';

const patternsSchema = z.union([z.string(), z.array(z.string())]);

export const cardConfigSchema = z.looseObject({
  config_name: z.string().default('default'),
  default: z.boolean().optional(),
  /** Folder that the patterns are in. */
  data_dir: z.string().optional(),
  /** Patterns of file names; without splits all of them are training data. */
  data_files: z
    .union([
      z.string(),
      z.array(z.union([z.string(), z.looseObject({ split: z.string(), path: patternsSchema })])),
    ])
    .optional(),
});
export type CardConfig = z.infer<typeof cardConfigSchema>;

/** The files that a card names, by configuration and split; empty where it names none. */
export function placesByCard<F extends ListedFile>(
  files: readonly F[],
  configs: readonly CardConfig[],
): DataPlace<F>[] {
  return configs.flatMap(({ config_name: config, data_dir: folder, data_files: named }) => {
    const entries = named === undefined ? [] : typeof named === 'string' ? [named] : named;
    return entries.flatMap((entry) => {
      const split = typeof entry === 'string' ? 'train' : entry.split;
      const patterns = typeof entry === 'string' ? [entry] : [entry.path].flat();
      return files
        .filter(({ path }) => patterns.some((pattern) => fits(path, pattern, folder)))
        .map((file) => ({ file, config, split }));
    });
  });
}

function fits(path: string, pattern: string, folder: string | undefined): boolean {
  const inside = pattern.replace(/^\.?\//, '');
  const full = folder === undefined ? inside : `${folder.replace(/^\.?\/|\/$/g, '')}/${inside}`;
  return path === full || matchesGlob(path, full);
}

/** The configuration that a card makes the default. */
export function defaultConfig(configs: readonly CardConfig[]): string | undefined {
  return (
    configs.find((config) => config.default === true) ??
    configs.find((config) => config.config_name === 'default')
  )?.config_name;
}
