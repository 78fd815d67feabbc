/** The fingerprint of data files, stored with a run: equal hashes mean equal bytes. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { openDataFile } from './byte-chunks.ts';
import { dataSource } from './data-source.ts';

/**
 * SHA-256 of the contents of files (of folders: of the files that are read), in order, as 64 hexadecimal digits; names and places do not count.
 * @throws EspalierError when a file is missing, empty or may not be read
 */
export async function dataHash(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  const files = await Promise.all(paths.map(async (path) => (await dataSource(path)).files));
  for (const path of files.flat()) {
    const { size } = await openDataFile(path);
    // The length keeps [ab, c] and [a, bc] apart.
    hash.update(`${size}:`);
    const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: 1 << 20 });
    for await (const chunk of chunks) hash.update(chunk);
  }
  return hash.digest('hex');
}
