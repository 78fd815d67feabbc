/** The bytes of a data file in order, unpacked when they are gzip or zstd, whatever the file is called. */
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { userError } from '../contract/errors.ts';
import { fileKind } from './file-kind.ts';

const CHUNK_BYTES = 1 << 20;

function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

function readError(error: unknown, path: string): unknown {
  const code = errorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return userError('data-not-found', 'There is no such data file.', {
      where: path,
      advice: 'Check the path; paths in an experiment file are relative to that file.',
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return userError('data-not-readable', 'This data file may not be read.', {
      where: path,
      advice: 'Give your user the right to read it.',
    });
  }
  return error;
}

function unpackError(error: unknown, path: string, kind: string): unknown {
  const code = errorCode(error);
  if (code === 'Z_BUF_ERROR') {
    return userError('data-truncated', `This ${kind} file is cut off: its end is missing.`, {
      where: path,
      advice: 'The copy or download was interrupted; get the file again.',
    });
  }
  if (code.startsWith('Z_') || code.startsWith('ZSTD_')) {
    return userError('data-corrupt', `This ${kind} file is damaged and cannot be unpacked.`, {
      where: path,
      advice: 'Get the file again, or unpack it with another program to see what is left.',
    });
  }
  return readError(error, path);
}

async function* streamed(stream: Readable, translate: (error: unknown) => unknown): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
  } catch (error) {
    throw translate(error);
  } finally {
    stream.destroy();
  }
}

/**
 * The bytes of a file; while one chunk is worked on, the next is being read. Two buffers take turns, because fresh ones
 * for every chunk would keep the collector busy.
 */
async function* readAhead(path: string): AsyncGenerator<Buffer> {
  const file = await open(path, 'r');
  let [free, used] = [Buffer.allocUnsafeSlow(CHUNK_BYTES), Buffer.allocUnsafeSlow(CHUNK_BYTES)];
  const readNext = async (): Promise<Buffer> => {
    [free, used] = [used, free];
    const buffer = used;
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    return buffer.subarray(0, bytesRead);
  };
  let next = readNext();
  try {
    for (let chunk = await next; chunk.length > 0; chunk = await next) {
      next = readNext();
      // Its error is thrown where it is awaited, above.
      next.catch(() => undefined);
      yield chunk;
    }
  } finally {
    await next.catch(() => undefined);
    await file.close();
  }
}

/** Size and first bytes of a file. Throws user errors for what is missing or empty. */
export async function openDataFile(path: string): Promise<{ size: number; head: Buffer }> {
  try {
    const facts = await stat(path);
    if (facts.size === 0) throw emptyFile(path);
    const file = await open(path, 'r');
    try {
      const head = Buffer.alloc(Math.min(facts.size, 4096));
      const { bytesRead } = await file.read(head, 0, head.length, 0);
      return { size: facts.size, head: head.subarray(0, bytesRead) };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw readError(error, path);
  }
}

/** The error for a file without any row. */
export function emptyFile(path: string): Error {
  return userError('data-empty', 'This data file holds no rows.', {
    where: path,
    advice: 'Check that the file was saved or downloaded completely.',
  });
}

/**
 * Streams the unpacked bytes of a text file; a chunk holds until the next one is asked for.
 * @param onProgress told the share (0 to 1) of the file that has been read
 * @throws EspalierError when the file is missing, empty, cut off, damaged, or of a kind that is not read
 */
export async function* byteChunks(
  path: string,
  onProgress?: (share: number) => void,
): AsyncGenerator<Buffer> {
  const { head, size } = await openDataFile(path);
  const kind = fileKind(head, path);
  if (kind === 'text') {
    let bytes = 0;
    try {
      for await (const chunk of readAhead(path)) {
        bytes += chunk.length;
        onProgress?.(Math.min(1, bytes / size));
        yield chunk;
      }
    } catch (error) {
      throw readError(error, path);
    }
    return;
  }
  if (kind === 'parquet' || kind === 'arrow') throw new Error('internal: a typed file is read as text');
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const unpack =
    kind === 'gzip'
      ? createGunzip({ chunkSize: CHUNK_BYTES })
      : createZstdDecompress({ chunkSize: CHUNK_BYTES });
  file.on('error', (error) => unpack.destroy(error));
  file.pipe(unpack);
  let first = true;
  try {
    for await (const chunk of streamed(unpack, (error) => unpackError(error, path, kind))) {
      if (first && fileKind(chunk, path) !== 'text') {
        throw userError('data-format', `This ${kind} file holds another compressed file.`, {
          where: path,
          advice: 'Unpack it once and choose the result.',
        });
      }
      first = false;
      onProgress?.(Math.min(1, file.bytesRead / size));
      yield chunk;
    }
  } finally {
    file.destroy();
  }
  if (first) throw emptyFile(path);
}
