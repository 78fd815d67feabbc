/** Every data file of the fixtures: the rows that it holds, or the problem and its line. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EspalierError } from '../../../src-main/contract/errors.ts';
import { readRows } from '../../../src-main/datasets/read-rows.ts';
import type { Row } from '../../../src-main/datasets/row.ts';

const folder = resolve(import.meta.dirname, '../../fixtures/data-files');
const fileSchema = z.looseObject({
  path: z.string(),
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
  ['json/splits.json', 'refused'],
  ['csv/header-only.csv', 'refused'],
]);

describe('readable files', () => {
  const readable = files.filter(({ path, rows }) => rows !== undefined && !exceptions.has(path));
  it('are many', () => expect(readable.length).toBeGreaterThan(45));
  it.each(readable)('$path', async ({ path, rows, header }) => {
    expect((await readAll(path, header)).rows).toEqual(
      JSON.parse(readFileSync(resolve(folder, rows ?? ''), 'utf8')),
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
    expect((await readAll('broken/gzip-named.jsonl')).rows.length).toBe(30);
    expect((await readAll('broken/not-gzip.jsonl.gz')).rows.length).toBe(3);
    expect((await readAll('broken/csv-named.parquet')).rows.length).toBe(12);
  });

  it('are refused where reading them would mislead', async () => {
    expect(await errorOf('jsonl/nan.jsonl')).toMatchObject({
      code: 'data-json',
      message: expect.stringContaining('NaN is not JSON'),
    });
    expect((await errorOf('jsonl/nan.jsonl')).where).toContain('line 1,');
    expect(await errorOf('json/splits.json')).toMatchObject({ code: 'data-several-lists' });
    expect(await errorOf('csv/header-only.csv')).toMatchObject({ code: 'data-empty' });
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
};
const readAnyway = ['broken/gzip-named.jsonl', 'broken/not-gzip.jsonl.gz', 'broken/csv-named.parquet'];

describe('broken files', () => {
  const broken = files.filter(
    ({ path, problem }) =>
      problem !== undefined && codes[problem] !== undefined && !readAnyway.includes(path),
  );
  it('are many', () => expect(broken.length).toBeGreaterThan(40));
  it.each(broken)('$path: $problem', async ({ path, problem, line, byte_offset }) => {
    const error = await errorOf(path);
    expect(error.kind).toBe('user');
    expect(error.code).toBe(codes[problem ?? '']);
    expect(error.where).toContain(path);
    expect((error.advice ?? '').length).toBeGreaterThan(10);
    if (line !== undefined) expect(`${error.where},`).toContain(`line ${line},`);
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
    ['parquet-named.csv', 'Parquet'],
    ['truncated.jsonl.gz', 'cut off'],
    ['truncated-start.parquet', 'parquet'],
  ])('%s is explained: %s', async (name, words) => {
    expect((await errorOf(`broken/${name}`)).message).toContain(words);
  });

  it('include files that are missing, folders, and plain text', async () => {
    expect(await errorOf('nothing.jsonl')).toMatchObject({ code: 'data-not-found' });
    expect(await errorOf('broken')).toMatchObject({ code: 'data-folder' });
    expect(await errorOf('README.md')).toMatchObject({ code: 'data-format' });
  });
});
