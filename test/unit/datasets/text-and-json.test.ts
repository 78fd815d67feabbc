/** Decoding in pieces, the JSON checker against JSON.parse, and tables written and read again. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { findJsonProblem } from '../../../src-main/datasets/json-problem.ts';
import { parseJson } from '../../../src-main/datasets/parse-json.ts';
import { guessDelimiter, headerNames, readCsv } from '../../../src-main/datasets/read-csv.ts';
import { readJsonArray } from '../../../src-main/datasets/read-json.ts';
import { readRows } from '../../../src-main/datasets/read-rows.ts';
import type { Row } from '../../../src-main/datasets/row.ts';
import { firstInvalidUtf8, textPieces } from '../../../src-main/datasets/text-pieces.ts';

const folder = mkdtempSync(join(tmpdir(), 'espalier-text-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function* chunked(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % Math.max(1, sizes.length)] ?? 7);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\n', '"', ',', 'a', 'é', '日', '😀'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 60,
});
const safeText = text.map((value) => value.toWellFormed().replaceAll('\0', ' '));
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

describe('textPieces', () => {
  it.each(['utf8', 'utf16le'] as const)(
    'gives the text back however its %s bytes arrive, with right lines',
    async (encoding) => {
      await fc.assert(
        fc.asyncProperty(safeText, sizes, async (original, chunkSizes) => {
          const mark = encoding === 'utf16le' ? '\uFEFF' : '';
          const bytes = Buffer.from(mark + original, encoding);
          const pieces = await collect(textPieces(chunked(bytes, chunkSizes), 'x', { guessEncoding: false }));
          // A byte-order mark at the start of UTF-8 is not part of the text.
          expect(pieces.map((piece) => piece.text).join('')).toBe(
            encoding === 'utf8' ? original.replace(/^\uFEFF/, '') : original,
          );
          let line = 1;
          for (const piece of pieces) {
            expect(piece.firstLine).toBe(line);
            line += piece.text.split('\n').length - 1;
          }
        }),
      );
    },
  );

  it('works beyond the sample from which the encoding is told', async () => {
    const line = `${'é'.repeat(50)}\n`;
    const bytes = Buffer.from(line.repeat(30_000));
    const pieces = await collect(textPieces(chunked(bytes, [700_001]), 'x', { guessEncoding: true }));
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.map((piece) => piece.text).join('')).toBe(line.repeat(30_000));
    const broken = Buffer.concat([bytes, Buffer.from([0x61, 0xff, 0x0a])]);
    await expect(
      collect(textPieces(chunked(broken, [700_001]), 'x', { guessEncoding: true })),
    ).rejects.toMatchObject({
      code: 'data-encoding',
      where: `x, line 30001, byte ${bytes.length + 1}`,
    });
  });

  it('refuses an encoding that does not exist', async () => {
    const pieces = textPieces(chunked(Buffer.from('a'), [1]), 'x', {
      guessEncoding: true,
      encoding: 'klingon',
    });
    await expect(collect(pieces)).rejects.toMatchObject({ code: 'data-encoding' });
  });
});

describe('firstInvalidUtf8', () => {
  it('agrees with the decoder of the runtime', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const valid = (bytes: Uint8Array): boolean => {
      try {
        decoder.decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    const interesting = fc.constantFrom(
      0x41,
      0x80,
      0x9f,
      0xa0,
      0xbf,
      0xc1,
      0xc2,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
      0xff,
      0x8f,
      0x90,
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), fc.array(interesting, { maxLength: 5 }), (any, chosen) => {
        for (const bytes of [any, Uint8Array.from(chosen)]) {
          const at = firstInvalidUtf8(bytes);
          expect(at === -1).toBe(valid(bytes));
          if (at !== -1) expect(valid(bytes.subarray(0, at))).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('findJsonProblem', () => {
  const parses = (value: string): boolean => {
    try {
      JSON.parse(value);
      return true;
    } catch {
      return false;
    }
  };

  it('finds nothing in JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(4), (value, indent) => {
        expect(findJsonProblem(JSON.stringify(value, null, indent))).toBeUndefined();
      }),
    );
  });

  it('agrees with JSON.parse on damaged JSON', () => {
    const damage = fc.tuple(
      fc.jsonValue({ maxDepth: 3 }),
      fc.nat(),
      fc.nat(3),
      fc.constantFrom('', ',', '}', ']', '"', "'", ':', '\\', '\t', '0', 'NaN', '{', ' '),
    );
    fc.assert(
      fc.property(damage, ([value, place, removed, inserted]) => {
        const whole = JSON.stringify(value);
        const at = place % (whole.length + 1);
        const damaged = whole.slice(0, at) + inserted + whole.slice(at + removed);
        const problem = findJsonProblem(damaged);
        expect(problem === undefined).toBe(parses(damaged));
        if (problem !== undefined) {
          expect(problem.offset).toBeLessThanOrEqual(damaged.length);
          expect(problem.hint).not.toBe('');
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('readJsonArray', () => {
  it('reads any list of objects however it is cut into pieces', async () => {
    const row = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 6 }),
        fc.nat(3),
        fc.integer({ min: 1, max: 20 }),
        async (rows, indent, size) => {
          const document = JSON.stringify(rows, null, indent);
          async function* pieces() {
            for (let at = 0; at < document.length; at += size) {
              yield {
                text: document.slice(at, at + size),
                firstLine: document.slice(0, at).split('\n').length,
              };
            }
          }
          expect((await collect(readJsonArray(pieces(), 'x'))).flat()).toEqual(
            parseJson(document, { path: 'x', firstLine: 1 }),
          );
        },
      ),
    );
  });

  it.each([
    ['[{"a":1},]', 'a comma before ]', 1],
    ['[{"a":1},\n,{"a":2}]', 'a value is missing', 2],
    ['[{"a":1}]\n{"a":2}', 'more text', 2],
    ['[{"a":1}\n{"a":2}]', 'two objects', 2],
    ['[{"a":1},\n{"a":2}\n', 'closing ]', 2],
    ['[\n{"a":1}},\n{"a":2}]', 'more text', 2],
  ])('%j: %s', async (document, words, line) => {
    async function* pieces() {
      yield { text: document, firstLine: 1 };
    }
    const error = await collect(readJsonArray(pieces(), 'x')).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      message: expect.stringContaining(words),
      where: expect.stringMatching(new RegExp(`line ${line}\\b`)),
    });
  });
});

describe('CSV', () => {
  const quote = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

  it('reads any table back', async () => {
    const cell = safeText.map((value) => value.replaceAll('\r', ' ').replaceAll('\uFEFF', ''));
    const table = fc
      .integer({ min: 2, max: 4 })
      .chain((width) =>
        fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }),
      );
    await fc.assert(
      fc.asyncProperty(table, fc.constantFrom(',', ';', '\t', '|'), async (rows, delimiter) => {
        const names = (rows[0] ?? []).map((_, i) => `c${i}`);
        const content = [names, ...rows].map((row) => row.map(quote).join(delimiter)).join('\n');
        async function* pieces() {
          yield { text: content, firstLine: 1 };
        }
        const expected = rows.map((row) => Object.fromEntries(row.map((value, i) => [names[i], value])));
        expect((await collect(readCsv(pieces(), 'x', content, { delimiter }))).flat()).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  it('guesses the delimiter from the lines, not from one of them', () => {
    expect(guessDelimiter('a;b\n1,5;2,5\n3,5;4,5\n')).toBe(';');
    expect(guessDelimiter('name,text\n"a;b;c","d"\n')).toBe(',');
    expect(guessDelimiter('one\ntwo\n')).toBeUndefined();
    expect(guessDelimiter('a\tb\n1, 2\t3, 4')).toBe('\t');
  });

  it('makes names unique', () => {
    expect(headerNames([' a ', 'a', '', 'a.1'])).toEqual(['a', 'a.1', 'column_3', 'a.1.1']);
    expect(headerNames(['__proto__', 'constructor'])).toEqual(['__proto__', 'constructor']);
  });

  it('keeps a column named __proto__', async () => {
    const path = join(folder, 'proto.csv');
    writeFileSync(path, '__proto__,b\n1,2\n');
    const rows: Row[] = (await collect(readRows(path))).flat();
    expect(Object.entries(rows[0] ?? {})).toEqual([
      ['__proto__', '1'],
      ['b', '2'],
    ]);
  });
});

describe('readRows', () => {
  it('unpacks gzip and streams many rows in order', async () => {
    const path = join(folder, 'many.jsonl.gz');
    const lines = Array.from({ length: 50_000 }, (_, i) => JSON.stringify({ i, text: 'x'.repeat(40) }));
    writeFileSync(path, gzipSync(lines.join('\n')));
    const batches = await collect(readRows(path));
    expect(batches.length).toBeGreaterThan(1);
    const rows = batches.flat();
    expect(rows.length).toBe(50_000);
    expect(rows.every((row, i) => row['i'] === i)).toBe(true);
  });

  it('lets its reader stop early', async () => {
    const path = join(folder, 'early.jsonl');
    writeFileSync(path, `{"a":1}\n{"a":2}\n${' '.repeat(3_000_000)}\nbroken\n`);
    for await (const rows of readRows(path)) {
      expect(rows[0]).toEqual({ a: 1 });
      break;
    }
  });
});

describe('files without a telling name', () => {
  const read = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return collect(readRows(path)).then((batches) => batches.flat());
  };

  it('are tables when their lines have equally many cells, else lines of text', async () => {
    expect(await read('table.txt', 'q;a\n"1;2";3\n4;5\n')).toEqual([
      { q: '1;2', a: '3' },
      { q: '4', a: '5' },
    ]);
    const prose = 'Once, there was a fox.\n\nIt was red, small, and quick.\n';
    expect(await read('prose.txt', prose)).toEqual([
      { text: 'Once, there was a fox.' },
      { text: 'It was red, small, and quick.' },
    ]);
    await expect(read('prose.md', prose)).rejects.toMatchObject({ code: 'data-format' });
  });

  it('are JSON lines when they begin with an object', async () => {
    expect(await read('lines.csv', '{"a":1}\n{"a":2}\n')).toEqual([{ a: 1 }, { a: 2 }]);
  });
});
