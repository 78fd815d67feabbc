/** How fast data files become rows, and texts tokens. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomStream } from '../../contract/random.ts';
import { readRows } from '../../datasets/read-rows.ts';
import { loadTokenizer } from '../../models/tokenizer.ts';
import type { Measured } from './stopwatch.ts';
import { median, peakMemory, timed } from './stopwatch.ts';

const resources = join(import.meta.dirname, '../../../resources');
const repeats = 7;

/** Words of the stories that ship, as text of any length. */
function makeText(): (words: number) => string {
  const known = readFileSync(join(resources, 'starter/stories.txt'), 'utf8').split(/\s+/).filter(Boolean);
  const random = randomStream([0]);
  let counter = 0;
  return (words) =>
    Array.from({ length: words }, () => known[Math.floor(random.uniform(counter++) * known.length)]).join(
      ' ',
    );
}

/** Conversations as instruction data has them: about 600 bytes a row. */
function conversationLines(rows: number): string {
  const text = makeText();
  const lines = Array.from({ length: rows }, (_, i) =>
    JSON.stringify({
      id: `row-${i}`,
      messages: [
        { role: 'user', content: text(40) },
        { role: 'assistant', content: text(60) },
      ],
      reward: i / rows,
      tags: ['a', 'b'],
    }),
  );
  return `${lines.join('\n')}\n`;
}

async function countRows(path: string): Promise<number> {
  let rows = 0;
  for await (const batch of readRows(path)) rows += batch.length;
  return rows;
}

/** Medians of the seconds of two kinds of work, measured in turns, so that neither has the quieter machine. */
async function inTurns(
  first: () => Promise<unknown>,
  second: () => Promise<unknown>,
): Promise<{ first: number; second: number }> {
  const seconds: { first: number[]; second: number[] } = { first: [], second: [] };
  for (let round = -1; round < repeats; round++) {
    const one = await timed(first);
    const other = await timed(second);
    // The first round warms up.
    if (round >= 0) seconds.first.push(one);
    if (round >= 0) seconds.second.push(other);
  }
  return { first: median(seconds.first), second: median(seconds.second) };
}

/**
 * Reads JSON lines as an import does, against the barest program: the file as one string, JSON.parse for each line.
 * @returns `megabytes` a second, and `share` of the speed of that program
 */
export async function measureJsonLines(): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-bench-data-'));
  try {
    const path = join(folder, 'data.jsonl');
    const rows = 40_000;
    const content = conversationLines(rows);
    writeFileSync(path, content);
    const { first, second } = await inTurns(
      async () => {
        const count = await countRows(path);
        if (count !== rows) throw new Error(`internal: ${count} of ${rows} rows were read`);
      },
      () => {
        const parsed: unknown[] = [];
        for (const line of readFileSync(path, 'utf8').split('\n'))
          if (line !== '') parsed.push(JSON.parse(line));
        return Promise.resolve(parsed.length);
      },
    );
    const megabytes = Buffer.byteLength(content) / 1e6 / first;
    return { megabytes, share: second / first, memory: peakMemory() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Reads a Parquet file to rows: the one that the peer wrote, else the sample that ships.
 * @returns `rows` a second
 */
export async function measureParquet(folder: string | undefined): Promise<Measured> {
  const path =
    folder === undefined
      ? join(resources, 'datasets/gsm8k-solutions/pairs.parquet')
      : join(folder, 'data.parquet');
  const rows = await countRows(path);
  const seconds: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) seconds.push(await timed(() => countRows(path)));
  return { rows: rows / median(seconds), memory: peakMemory() };
}

/**
 * Encodes texts in batches with the tokenizer of the starter model.
 * @returns `megabytes` of UTF-8 a second
 */
export async function measureTokenising(): Promise<Measured> {
  const tokenizer = await loadTokenizer(join(resources, 'models/starter'));
  const text = makeText();
  const texts = Array.from({ length: 4000 }, () => text(100));
  const bytes = texts.reduce((sum, one) => sum + Buffer.byteLength(one), 0);
  const seconds: number[] = [];
  for (let repeat = -1; repeat < repeats; repeat++) {
    const taken = await timed(() => tokenizer.encodeBatch(texts, { addSpecialTokens: false }));
    if (repeat >= 0) seconds.push(taken);
  }
  return { megabytes: bytes / 1e6 / median(seconds), memory: peakMemory() };
}
