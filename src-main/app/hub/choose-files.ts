/** Which files of a repository are needed. Pure. */
import { userError } from '../../contract/errors.ts';
import type { HubRequest } from '../../contract/hub.ts';
import { nearestName } from '../../contract/nearest-name.ts';
import { placesByCard, type CardConfig } from './card-configs.ts';
import { isSafeFileName } from './repository-name.ts';

/** The name and size of a file in a repository. */
export interface ListedFile {
  readonly path: string;
  readonly size: number;
}

const weights = 'model.safetensors';
const shard = /^model-\d{5}-of-\d{5}\.safetensors$/;
const besideWeights =
  /^(config\.json|generation_config\.json|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json|chat_template\.(jinja|json)|README\.md|LICENSE(\.\w+)?|LICENCE(\.\w+)?)$/i;
/** Larger texts beside the weights are not what their name says. */
const largestBeside = 256 * 1024 * 1024;

/** What is refused of a file name that would lead out of its folder. */
export function refuseUnsafe(files: readonly ListedFile[], name: string): void {
  const unsafe = files.find((file) => !isSafeFileName(file.path));
  if (unsafe === undefined) return;
  throw userError(
    'hub-file-name',
    `${name} holds a file whose name could lead out of its folder: ${JSON.stringify(unsafe.path)}.`,
    {
      where: name,
      advice: 'Nothing was fetched. Do not trust this repository.',
    },
  );
}

/**
 * The files that make a model: configuration, tokenizer, chat template, weights as safetensors, card and licence.
 * @throws EspalierError `hub-no-model`, `hub-no-weights`, `hub-no-tokenizer`, `hub-file-name`
 */
export function modelFiles<F extends ListedFile>(files: readonly F[], name: string): F[] {
  const has = (path: string): boolean => files.some((file) => file.path === path);
  if (!has('config.json')) {
    throw userError(
      'hub-no-model',
      `${name} holds no model in the Hugging Face format: config.json is missing.`,
      {
        where: name,
        advice: files.some((file) => file.path.endsWith('.gguf'))
          ? 'It holds GGUF files, which are for running only. Fetch the model that they were made from; its card names it.'
          : 'Check that it is a language model, and its name.',
      },
    );
  }
  const whole = has(weights);
  const chosen = files.filter(
    ({ path, size }) =>
      (besideWeights.test(path) && size <= largestBeside) ||
      (whole ? path === weights : path === `${weights}.index.json` || shard.test(path)),
  );
  if (!whole && !has(`${weights}.index.json`)) {
    const other = files.find((file) => /\.(bin|pt|pth|h5|msgpack|gguf|onnx)$/.test(file.path))?.path;
    throw userError(
      'hub-no-weights',
      `${name} holds no weights as safetensors${other === undefined ? '' : `, only in another form (${other})`}.`,
      {
        where: name,
        advice:
          'Look for a version with model.safetensors, perhaps under another revision such as refs/pr/1.',
      },
    );
  }
  if (!has('tokenizer.json')) {
    throw userError('hub-no-tokenizer', `${name} has no tokenizer.json.`, {
      where: name,
      advice:
        'Its tokenizer is in an older form. Look for a newer version of the model, or one made from it.',
    });
  }
  refuseUnsafe(chosen, name);
  return chosen;
}

/** A data file with the configuration and split that its path tells. */
export interface DataPlace<F> {
  readonly file: F;
  readonly config: string;
  readonly split: string;
}

const splitNames: readonly (readonly [string, RegExp])[] = [
  ['validation', /(?:^|[^a-z])(validation|valid|val|dev)(?:$|[^a-z])/i],
  ['test', /(?:^|[^a-z])(test|testing|eval|evaluation)(?:$|[^a-z])/i],
  ['train', /(?:^|[^a-z])(train|training)(?:$|[^a-z])/i],
];

function splitOf(text: string): string | undefined {
  return splitNames.find(([, pattern]) => pattern.test(text))?.[0];
}

const shardSuffix = /-\d{5}-of-\d{5}(-[0-9a-f]{8,})?$/;

/** Reads configuration and split from a path, as the library `datasets` does: shards by their name, else words in the path. */
function placeOf<F extends ListedFile>(file: F): DataPlace<F> {
  const parts = file.path.split('/');
  const stem = (parts.at(-1) ?? '').replace(/\.[^.]+(\.(gz|zst))?$/i, '');
  const folders = parts.slice(0, -1).filter((folder) => folder !== 'data');
  const parquetFolder = folders.at(-1)?.replace(/^partial-/, '');
  const numbered = /^\d{4,}$/.test(stem);
  const named = shardSuffix.test(stem) ? stem.replace(shardSuffix, '') : undefined;
  const split =
    (numbered ? parquetFolder : named) ??
    splitOf(stem) ??
    folders.map(splitOf).find((each) => each !== undefined) ??
    'train';
  const config = folders.find(
    (folder) => !(numbered && folder === folders.at(-1)) && folder !== split && splitOf(folder) !== split,
  );
  return { file, config: config ?? 'default', split };
}

const parquet = /\.parquet$/i;
const textData = /\.(jsonl|ndjson|json|csv|tsv)(\.gz|\.zst)?$/i;
/** Names of JSON files that tell of the data and hold none. */
const noData = /(^|\/)(dataset_infos?|state|config|package|metadata|\.[^/]*)\.json$/i;

export interface ChosenData<F> {
  readonly places: readonly DataPlace<F>[];
  readonly config: string;
  readonly configs: readonly { readonly name: string; readonly splits: string[] }[];
}

/**
 * Data files of a listing: Parquet where there is any, else JSON lines, JSON and CSV. Empty where there are none.
 * What the card of the dataset says of configurations and splits goes before what paths tell.
 */
export function dataPlaces<F extends ListedFile>(
  files: readonly F[],
  forms: 'parquet' | 'any',
  configs: readonly CardConfig[] = [],
): DataPlace<F>[] {
  const tables = files.filter(({ path }) => parquet.test(path));
  const found =
    tables.length > 0 || forms === 'parquet'
      ? tables
      : files.filter(({ path }) => textData.test(path) && !noData.test(path));
  const filled = found.filter(({ size }) => size > 0);
  const named = placesByCard(filled, configs);
  return named.length > 0 ? named : filled.map(placeOf);
}

/**
 * The files of one configuration and of the wanted split, or of all its splits.
 * @param usual the configuration that is meant where none is named
 * @throws EspalierError `hub-no-data`, `hub-config`, `hub-split`, `hub-file-name`
 */
export function chooseData<F extends ListedFile>(
  places: readonly DataPlace<F>[],
  request: Pick<HubRequest, 'name' | 'config' | 'split'>,
  usual: string | undefined = 'default',
): ChosenData<F> {
  const { name } = request;
  if (places.length === 0) {
    throw userError('hub-no-data', `${name} holds no data files that can be read.`, {
      where: name,
      advice: 'Parquet, JSON lines, JSON and CSV are read. Check that it is a dataset of text.',
    });
  }
  refuseUnsafe(
    places.map(({ file }) => file),
    name,
  );
  const configs = [...new Set(places.map(({ config }) => config))].sort().map((config) => ({
    name: config,
    splits: [...new Set(places.filter((place) => place.config === config).map(({ split }) => split))],
  }));
  const names = configs.map((config) => config.name);
  const config = request.config ?? (names.length === 1 ? names[0] : names.find((each) => each === usual));
  const found = configs.find((each) => each.name === config);
  if (config === undefined || found === undefined) {
    const near = request.config === undefined ? undefined : nearestName(request.config, names);
    throw userError(
      'hub-config',
      request.config === undefined
        ? `${name} has ${names.length} configurations, and none was named.`
        : `${name} has no configuration "${request.config}".${near === undefined ? '' : ` Did you mean ${near}?`}`,
      { where: name, advice: `There are: ${listed(names)}.` },
    );
  }
  const { split } = request;
  if (split !== undefined && !found.splits.includes(split)) {
    const near = nearestName(split, found.splits);
    throw userError(
      'hub-split',
      `${name} has no split "${split}".${near === undefined ? '' : ` Did you mean ${near}?`}`,
      {
        where: name,
        advice: `There are: ${listed(found.splits)}.`,
      },
    );
  }
  return {
    places: places.filter(
      (place) => place.config === config && (split === undefined || place.split === split),
    ),
    config,
    configs,
  };
}

function listed(names: readonly string[]): string {
  return names.length <= 20
    ? names.join(', ')
    : `${names.slice(0, 20).join(', ')} and ${names.length - 20} more`;
}
