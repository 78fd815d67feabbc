/** Every data file of the fixtures: the rows that it holds, or the problem and its line. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EspalierError } from '../../../src-main/contract/errors.ts';
import { dataHash } from '../../../src-main/datasets/data-hash.ts';
import { dataSource } from '../../../src-main/datasets/data-source.ts';
import { parquetFacts } from '../../../src-main/datasets/parquet/read-parquet.ts';
import { readRows } from '../../../src-main/datasets/read-rows.ts';
import type { Json, Row } from '../../../src-main/datasets/row.ts';

const folder = resolve(import.meta.dirname, '../../fixtures/data-files');
const fileSchema = z.looseObject({
  path: z.string(),
  format: z.string(),
  splits: z.record(z.string(), z.number()).optional(),
  configs: z.record(z.string(), z.record(z.string(), z.number())).optional(),
  missing: z.string().optional(),
  row_group: z.number().optional(),
  rows: z.string().optional(),
  count: z.number().optional(),
  header: z.boolean().optional(),
  problem: z.string().optional(),
  line: z.number().optional(),
  byte_offset: z.number().optional(),
});
const { files } = z
  .object({ files: z.array(fileSchema) })
  .parse(JSON.parse(readFileSync(resolve(folder, 'manifest.json'), 'utf8')));

async function readAll(path: string, header?: boolean): Promise<{ rows: Row[]; warnings: string[] }> {
  const rows: Row[] = [];
  const warnings: string[] = [];
  const options = {
    onWarning: (message: string) => warnings.push(message),
    ...(header === undefined ? {} : { header }),
  };
  for await (const batch of readRows(resolve(folder, path), options)) rows.push(...batch);
  return { rows, warnings };
}

async function errorOf(path: string): Promise<EspalierError> {
  const caught: unknown = await readAll(path).then(
    ({ rows }) => new Error(`${path} was read (${rows.length} rows)`),
    (error: unknown) => error,
  );
  if (!(caught instanceof EspalierError)) throw caught;
  return caught;
}

/** Read otherwise than the fixtures say, or refused, each for a stated reason. */
const exceptions = new Map([
  ['jsonl/odd-values.jsonl', 'big integers as text'],
  ['jsonl/nan.jsonl', 'refused'],
  ['json/splits.json', 'refused without the name of a split'],
  ['csv/header-only.csv', 'refused'],
  ['parquet/no-rows.parquet', 'refused'],
  ['parquet/no-row-groups.parquet', 'refused'],
]);

function isObject(value: unknown): value is { [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A canonical value of the fixtures as Espalier keeps it: as JSON, without loss. */
function kept(value: unknown): Json {
  if (Array.isArray(value)) return value.map(kept);
  if (!isObject(value)) return value as Json;
  const [name = ''] = Object.keys(value);
  const text = String(value[name]);
  switch (name) {
    case '$int':
    case '$decimal':
    case '$bytes':
    case '$date':
    case '$time':
      return text;
    case '$float':
      return text === 'nan' ? null : text === '-0' ? -0 : text === 'inf' ? 'Infinity' : '-Infinity';
    case '$timestamp':
      return 'tz' in value ? `${text}Z` : text;
    case '$map':
      return Object.fromEntries(
        (Array.isArray(value[name]) ? value[name] : []).map(([key, one]) => [String(key), kept(one)]),
      );
    default:
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, kept(one)]));
  }
}

const expectedRows = (rows: string | undefined): Json =>
  kept(JSON.parse(readFileSync(resolve(folder, rows ?? ''), 'utf8')));

describe('readable files', () => {
  const readable = files.filter(
    ({ path, rows, splits, configs }) =>
      rows !== undefined && splits === undefined && configs === undefined && !exceptions.has(path),
  );
  it('are many', () => expect(readable.length).toBeGreaterThan(80));
  it.each(readable)('$path', async ({ path, rows, header }) => {
    expect((await readAll(path, header)).rows).toEqual(expectedRows(rows));
  });

  it.each(files.filter(({ splits, configs }) => splits !== undefined || configs !== undefined))(
    '$path, each part by its name',
    async ({ path, splits, configs, rows }) => {
      const parts =
        splits === undefined
          ? Object.entries(configs ?? {}).flatMap(([config, inside]) =>
              Object.entries(inside).map(([split, count]) => ({ name: `${config}/${split}`, split, count })),
            )
          : Object.entries(splits).map(([split, count]) => ({ name: split, split, count }));
      const all: Row[] = [];
      for (const { name, split, count } of parts) {
        // The name of the configuration may be left out where there is only one.
        const part = Object.keys(configs ?? {}).length > 1 ? name : split;
        const found = (await readAll(`${path}#${part}`)).rows;
        expect(found.length).toBe(count);
        all.push(...found);
      }
      expect(all).toEqual(expectedRows(rows));
      if (path.endsWith('.json')) return;
      // Without a name: the training data of the default configuration.
      expect((await readAll(path)).rows.length).toBe(parts.find(({ split }) => split === 'train')?.count);
      expect((await dataSource(resolve(folder, path))).parts.length).toBe(parts.length);
    },
  );

  it('name the parts that exist when one is asked for that does not', async () => {
    expect(await errorOf('folders/hub-configs#hard/test')).toMatchObject({
      code: 'data-part',
      advice: expect.stringContaining('hard/train'),
    });
    expect(await errorOf('json/splits.json#dev')).toMatchObject({ code: 'data-part' });
    expect((await readAll('folders/hub-configs#hard')).rows.length).toBe(16);
  });

  it('say what their footer says without reading rows', async () => {
    const facts = await parquetFacts(resolve(folder, 'parquet/numbers-row-groups.parquet'));
    expect([facts.rows, facts.rowGroups]).toEqual([1000, 10]);
    const labelled = await parquetFacts(resolve(folder, 'parquet/class-label.parquet'));
    expect([...labelled.classLabels]).toEqual([['label', ['bad', 'good']]]);
  });

  it('warn of what JSON cannot hold, once for each column', async () => {
    const { warnings } = await readAll('parquet/types.parquet');
    expect(warnings.filter((warning) => warning.includes('NaN')).length).toBe(2);
    expect(warnings.filter((warning) => warning.includes('2^53')).length).toBe(3);
    expect(warnings.filter((warning) => warning.includes('base64')).length).toBe(2);
    expect((await readAll('arrow/types.arrow')).warnings.sort()).toEqual(
      warnings.map((warning) => warning.replace('parquet/types.parquet', 'arrow/types.arrow')).sort(),
    );
  });

  it('keep a column named __proto__', async () => {
    const { rows } = await readAll('parquet/odd-column-names.parquet');
    expect(Object.entries(rows[0] ?? {})).toContainEqual(['__proto__', 5]);
  });

  it('have a fingerprint as folders, too', async () => {
    const one = resolve(folder, 'folders/hub#test');
    expect(await dataHash([one])).toBe(
      await dataHash([resolve(folder, 'folders/hub/data/test-00000-of-00001.parquet')]),
    );
  });

  it('keep every digit of integers beyond 2^53, as text and with a warning', async () => {
    const { rows, warnings } = await readAll('jsonl/odd-values.jsonl');
    // Parsed without a schema, for the rows have a column named __proto__.
    const expected: Row[] = JSON.parse(readFileSync(resolve(folder, 'expected/odd-values.json'), 'utf8'));
    const plain = expected.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => {
          if (typeof value !== 'object' || value === null || Array.isArray(value)) return [name, value];
          return [
            name,
            '$int' in value ? value['$int'] : '$float' in value ? Number(value['$float']) : value,
          ];
        }),
      ),
    );
    expect(rows).toEqual(plain);
    expect(warnings.some((warning) => warning.includes('2^53') && warning.includes('line'))).toBe(true);
  });

  it('warn of half a surrogate pair', async () => {
    expect((await readAll('jsonl/lone-surrogate.jsonl')).warnings[0]).toContain('line 1');
  });

  it('are read as what they are, whatever their name', async () => {
    for (const [path, count] of Object.entries(readAnyway)) {
      expect((await readAll(path)).rows.length).toBe(count);
    }
  });

  it('are refused where reading them would mislead', async () => {
    expect(await errorOf('jsonl/nan.jsonl')).toMatchObject({
      code: 'data-json',
      message: expect.stringContaining('NaN is not JSON'),
    });
    expect((await errorOf('jsonl/nan.jsonl')).where).toContain('line 1,');
    expect(await errorOf('json/splits.json')).toMatchObject({ code: 'data-several-lists' });
    for (const path of ['csv/header-only.csv', 'parquet/no-rows.parquet', 'parquet/no-row-groups.parquet'])
      expect(await errorOf(path)).toMatchObject({ code: 'data-empty' });
  });
});

const codes: Record<string, string> = {
  'json-syntax': 'data-json',
  'not-an-object': 'data-not-a-row',
  'invalid-utf8': 'data-encoding',
  'nul-bytes': 'data-nul-bytes',
  'too-deep': 'data-too-deep',
  'no-rows-inside': 'data-no-rows',
  'columns-unequal': 'data-columns-unequal',
  'csv-ragged-row': 'data-csv-ragged',
  'csv-unclosed-quote': 'data-csv-quote',
  'csv-stray-quote': 'data-csv-quote',
  'empty-file': 'data-empty',
  'wrong-format': 'data-format',
  'lfs-pointer': 'data-format',
  truncated: 'data-truncated',
  corrupt: 'data-corrupt',
  'missing-shard': 'data-missing-shard',
  'missing-file': 'data-missing-file',
  'schema-mismatch': 'data-schema',
  'no-file-matches': 'data-no-match',
};
/** Files under a wrong name that are read as what they are, with their rows. */
const readAnyway: Record<string, number> = {
  'broken/gzip-named.jsonl': 30,
  'broken/not-gzip.jsonl.gz': 3,
  'broken/csv-named.parquet': 12,
  'broken/parquet-named.csv': 30,
  'broken/parquet-named.jsonl': 30,
};
/** Broken in a way that the rows survive: read with a warning. */
const warned: Record<string, string> = {
  'broken/line-17-other-type.jsonl': '',
  'broken/json-error.jsonl': '',
  'broken/bad-front-matter': 'README.md, line 10',
};

describe('broken files', () => {
  const broken = files.filter(
    ({ path, problem }) =>
      problem !== undefined && !(path in readAnyway) && !(path in warned) && path !== 'broken/empty-folder',
  );
  it('are many, and every one of the list', () => {
    const all = files.filter(({ problem }) => problem !== undefined);
    expect(all.length).toBe(68);
    expect(broken.length).toBe(all.length - Object.keys(readAnyway).length - Object.keys(warned).length - 1);
  });
  it.each(broken)('$path: $problem', async ({ path, problem, line, byte_offset, missing, row_group }) => {
    const error = await errorOf(path);
    expect(error.kind).toBe('user');
    expect(error.code).toBe(codes[problem ?? '']);
    expect(error.where).toContain(path);
    expect((error.advice ?? '').length).toBeGreaterThan(10);
    if (line !== undefined) expect(`${error.where},`).toContain(`line ${line},`);
    if (missing !== undefined) expect(`${error.message} ${error.where}`).toContain(missing);
    if (row_group !== undefined) expect(error.where).toContain(`row group ${row_group + 1}`);
    if (byte_offset !== undefined) expect(error.where).toContain(`byte ${byte_offset}`);
  });

  it.each([
    ['line-17-trailing-comma.jsonl', 'a comma before }'],
    ['line-17-single-quotes.jsonl', 'single quotes'],
    ['line-17-two-objects.jsonl', 'two objects'],
    ['line-17-raw-tab.jsonl', 'a tab inside a string'],
    ['last-line-cut.jsonl', 'cut off'],
    ['array-cut.json', 'before the closing ]'],
    ['spreadsheet-named.csv', 'Excel'],
    ['lfs-pointer.jsonl', 'Git LFS'],
    ['login-page.parquet', 'web page'],
    ['truncated.jsonl.gz', 'cut off'],
    ['truncated-start.parquet', 'beginning is missing'],
    ['truncated.parquet', 'the footer'],
    ['footer-length.parquet', 'claims 2147483643 bytes'],
    ['page-garbage.parquet', 'checksum'],
    ['truncated.arrow', 'middle of a batch'],
    [
      'shard-schema-differs',
      'missing: messages, reward, turns, tags, source, checked; new: text; of another type: id',
    ],
    ['no-match', 'data/nothing-*'],
  ])('%s is explained: %s', async (name, words) => {
    expect((await errorOf(`broken/${name}`)).message).toContain(words);
  });

  it.each(Object.entries(warned))('%s is read with a warning', async (path, where) => {
    const { rows, warnings } = await readAll(path);
    expect(rows.length).toBeGreaterThan(0);
    if (where !== '') expect(warnings[0]).toContain(where);
  });

  it('include files that are missing, and plain text', async () => {
    expect(await errorOf('nothing.jsonl')).toMatchObject({ code: 'data-not-found' });
    expect(await errorOf('nothing#train')).toMatchObject({ code: 'data-not-found' });
    expect(await errorOf('README.md')).toMatchObject({ code: 'data-format' });
  });

  it('include folders without data', async () => {
    // Version control keeps no empty folder, so it is made here.
    const empty = mkdtempSync(join(tmpdir(), 'espalier-empty-'));
    try {
      await expect(readAll(empty)).rejects.toMatchObject({ code: 'data-folder-empty', where: empty });
    } finally {
      rmSync(empty, { recursive: true });
    }
  });
});
