/** Parquet and Arrow beyond the fixtures' rows: exact values, damage at any byte, folders and their cards. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { EspalierError } from '../../../src-main/contract/errors.ts';
import { checkMessage } from '../../../src-main/datasets/arrow/check-message.ts';
import { readHybrid } from '../../../src-main/datasets/parquet/page-values.ts';
import { globExpression, readDatasetFolder } from '../../../src-main/datasets/dataset-folder.ts';
import { FrontMatterProblem, readFrontMatter } from '../../../src-main/datasets/front-matter.ts';
import { previewDataset } from '../../../src-main/datasets/preview.ts';
import { readRows } from '../../../src-main/datasets/read-rows.ts';
import type { Row } from '../../../src-main/datasets/row.ts';
import {
  decimalText,
  integerValue,
  signedBigEndian,
  timestampText,
} from '../../../src-main/datasets/typed-values.ts';

const fixtures = resolve(import.meta.dirname, '../../fixtures/data-files');
const folder = mkdtempSync(join(tmpdir(), 'espalier-typed-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function readAll(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const batch of readRows(path)) rows.push(...batch);
  return rows;
}

describe('exact values', () => {
  it('whole numbers keep every digit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n }), (value) => {
        expect(String(integerValue(value))).toBe(value.toString());
      }),
    );
    expect(integerValue(2n ** 53n)).toBe(2 ** 53);
    expect(integerValue(10n ** 17n)).toBe(1e17);
    expect(integerValue(2n ** 53n + 1n)).toBe('9007199254740993');
  });

  it('decimals keep their scale', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }), fc.nat(38), (unscaled, scale) => {
        const text = decimalText(unscaled, scale);
        expect(BigInt(text.replace('.', ''))).toBe(unscaled);
        expect(text.split('.')[1]?.length ?? 0).toBe(scale);
      }),
    );
    expect(decimalText(12n, -2)).toBe('1200');
  });

  it('big-endian bytes are two’s complement', () => {
    expect(
      [[], [0xff], [0x7f, 0xff], [0x80, 0]].map((bytes) => signedBigEndian(Uint8Array.from(bytes))),
    ).toEqual([0n, -1n, 32_767n, -32_768n]);
  });

  it('moments agree with Date, and keep what Date cannot', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (date) => {
        expect(timestampText(BigInt(date.getTime()), 'ms', true)).toBe(date.toISOString());
      }),
    );
    expect(timestampText(-1n, 'ns', false)).toBe('1969-12-31T23:59:59.999999999');
    expect(timestampText(2n ** 62n, 's', false)).toContain('days from 1970-01-01');
  });
});

describe('lengths that a damaged file claims', () => {
  const endless = Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0x0f, 7);

  it('of runs do not fill more than the page', () => {
    const output = new Uint8Array(10);
    readHybrid({ view: new DataView(endless.buffer), offset: 0 }, 8, output);
    expect([...output]).toEqual(new Array(10).fill(7));
  });

  it('of lists in Arrow messages are refused', () => {
    const stream = readFileSync(resolve(fixtures, 'arrow/stream.arrow'));
    const metadata = stream.subarray(8, 8 + stream.readUInt32LE(4));
    expect(checkMessage(metadata)).toEqual({ bodyLength: 0 });
    let refused = 0;
    for (let at = 0; at + 4 <= metadata.length; at += 4) {
      const damaged = Buffer.from(metadata);
      damaged.writeUInt32LE(0x7fffffff, at);
      try {
        checkMessage(damaged);
      } catch {
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(20);
  });
});

describe('runs and bit-packed groups', () => {
  it('give back what was packed, whatever the width', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 32 }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 40 }),
        (width, list) => {
          const values = list.map((value) => value % 2 ** width);
          const groups = Math.ceil(values.length / 8);
          const bytes = new Uint8Array(1 + groups * width);
          bytes[0] = 2 * groups + 1;
          for (const [i, value] of values.entries()) {
            for (let bit = 0; bit < width; bit++) {
              const place = i * width + bit;
              if (Math.floor(value / 2 ** bit) % 2 === 1) bytes[1 + (place >> 3)]! |= 1 << (place & 7);
            }
          }
          const output = new Uint32Array(values.length);
          readHybrid({ view: new DataView(bytes.buffer), offset: 0 }, width, output);
          expect([...output]).toEqual(values);
        },
      ),
    );
  });
});

describe('Feather', () => {
  it('is read with LZ4, its usual compression', async () => {
    expect(await readAll(resolve(fixtures, 'arrow/lz4.feather'))).toEqual(
      await readAll(resolve(fixtures, 'arrow/file.arrow')),
    );
  });
});

describe('damage at any byte', () => {
  it.each([
    'parquet/chat-row-groups.parquet',
    'parquet/types.parquet',
    'arrow/stream.arrow',
    'arrow/lz4.feather',
  ])('of %s is a user error or harmless, never a crash', async (name) => {
    const whole = readFileSync(resolve(fixtures, name));
    const path = join(folder, `damaged-${name.replace('/', '-')}`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.option(fc.nat(whole.length), { freq: 4 }),
        async (changes, end) => {
          const bytes = Buffer.from(whole);
          for (const [at, byte] of changes) bytes[at] = byte;
          writeFileSync(path, bytes.subarray(0, end ?? undefined));
          const error: unknown = await readAll(path).then(
            () => null,
            (caught: unknown) => caught,
          );
          if (error === null) return;
          expect(error).toBeInstanceOf(EspalierError);
          expect(String(error instanceof EspalierError ? error.where : '')).toContain(path);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('front matter', () => {
  it('is read as dataset cards write it', () => {
    const card = `---
license: mit # free
tags: [a, "b c", 'it''s']
configs:
- config_name: default
  default: true
  data_files:
    - split: train
      path:
      - "data/train-*"
      - data/more.parquet
    - split: test
      path: data/test-*
pretty: |
  two
  lines
nothing:
---
# Text`;
    expect(readFrontMatter(card)).toEqual({
      license: 'mit',
      tags: ['a', 'b c', "it's"],
      configs: [
        {
          config_name: 'default',
          default: true,
          data_files: [
            { split: 'train', path: ['data/train-*', 'data/more.parquet'] },
            { split: 'test', path: 'data/test-*' },
          ],
        },
      ],
      pretty: 'two\nlines',
      nothing: null,
    });
    expect(readFrontMatter('# No head')).toBeNull();
  });

  it.each([
    ['---\na: 1\n\tb: 2\n---', 3],
    ['---\na: 1\nplain words\n---', 3],
    ['---\na: "open\n---', 2],
    ['---\na: 1\n   b: 2\n---', 3],
    ['---\na: [1,\n---', 2],
  ])('%j is refused with its line', (text, line) => {
    expect(() => readFrontMatter(text)).toThrowError(expect.objectContaining({ line }));
  });

  it('never fails in another way', () => {
    const line = fc.stringMatching(/^ {0,6}(?:- )?[a-c:"'[\]{}|> -]{0,8}$/);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        try {
          readFrontMatter(['---', ...lines, '---'].join('\n'));
        } catch (error) {
          expect(error).toBeInstanceOf(FrontMatterProblem);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('folders', () => {
  const make = (name: string, files: Record<string, string>): string => {
    const path = join(folder, name);
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(resolve(path, file, '..'), { recursive: true });
      writeFileSync(resolve(path, file), content);
    }
    return path;
  };
  const row = '{"a":1}\n';

  it.each([
    ['data/train-*', 'data/train-00000-of-00001.parquet', true],
    ['data/train-*', 'data/sub/train-0.parquet', false],
    ['**.jsonl', 'deep/er/x.jsonl', true],
    ['**/x.jsonl', 'x.jsonl', true],
    ['{a,b}/?.csv', 'b/1.csv', true],
    ['a.csv', 'abcsv', false],
  ])('the pattern %s fits %s: %s', (pattern, path, fits) => {
    expect(globExpression(pattern).test(path)).toBe(fits);
  });

  it('are split by words in names, the format that most files have, without hidden files', async () => {
    const path = make('words', {
      'my-train.jsonl': row,
      'dev_set.jsonl': row,
      'evaluation.jsonl': row,
      'constest.jsonl': row,
      'old.csv': 'a\n1\n',
      '.hidden.jsonl': row,
      'README.md': '# No front matter',
    });
    const { configs, warnings } = await readDatasetFolder(path);
    expect(configs[0]?.splits.map(({ name, files }) => [name, files.length])).toEqual([
      ['train', 1],
      ['validation', 1],
      ['test', 1],
    ]);
    expect(warnings.join()).toContain('1 files are left out');
    expect(warnings.join()).toContain('constest.jsonl left out');
  });

  it('take any split name from shards', async () => {
    const path = make('shards', {
      'data/hard-00000-of-00002.jsonl': row,
      'data/hard-00001-of-00002.jsonl': row,
    });
    expect((await readDatasetFolder(path)).configs[0]?.splits.map(({ name }) => name)).toEqual(['hard']);
    expect((await readAll(path)).length).toBe(2);
  });

  it('ask which part is meant when none is for training', async () => {
    const path = make('parts', { 'test.jsonl': row, 'validation.jsonl': row });
    await expect(readAll(path)).rejects.toMatchObject({
      code: 'data-part',
      advice: expect.stringContaining('#validation'),
    });
    expect((await readAll(`${path}#test`)).length).toBe(1);
  });

  it('read a path with a hash sign in its name as it is', async () => {
    const path = make('sharp#1', { 'x.jsonl': row });
    expect((await readAll(path)).length).toBe(1);
    expect((await readAll(`${path}#train`)).length).toBe(1);
    expect((await readAll(join(path, 'x.jsonl'))).length).toBe(1);
  });
});

describe('preview', () => {
  it('counts the rows of a folder of Parquet files by their footers, and names its parts', async () => {
    const preview = await previewDataset(resolve(fixtures, 'folders/hub'), 3);
    expect(preview.count).toBe(24);
    expect(preview.parts.map((part) => part.split('#')[1])).toEqual(['train', 'test']);
    expect(preview.rows.length).toBe(3);
    expect(preview.columns.find(({ name }) => name === 'messages')?.type).toBe('conversation');
  });

  it('shows class names, kinds of typed columns, and the share without a value', async () => {
    const labelled = await previewDataset(resolve(fixtures, 'parquet/class-label.parquet'), 1);
    expect(labelled.columns.find(({ name }) => name === 'label')?.classes).toEqual(['bad', 'good']);
    const types = await previewDataset(resolve(fixtures, 'parquet/types.parquet'), 1);
    const column = (name: string) => types.columns.find((one) => one.name === name);
    expect(column('timestamp_ns')?.type).toBe('time');
    expect(column('decimal_38_10')?.type).toBe('number as text');
    expect(column('all_null')).toMatchObject({ missing: 1, example: '' });
    expect(column('int32')?.missing).toBeCloseTo(0.25);
    expect(types.warnings.length).toBeGreaterThan(0);
  });
});
