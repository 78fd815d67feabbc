/**
 * One file of the Hub into the cache: goes on where an earlier fetch stopped, checks size and hash, and appears under
 * its name only when it is whole. Every byte is written at its own place, so two processes that fetch the same file
 * write the same bytes and do no harm.
 */
import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EspalierError } from '../../contract/errors.ts';
import { backoff, withTimeout, type NetworkWorld } from './hub-fetch.ts';
import { unreachable } from './hub-errors.ts';

export interface BlobRequest {
  /** Name of the file for messages. */
  readonly name: string;
  readonly size: number;
  /** Hash of the content: SHA-256 of large files, else the hash that git gives to a file. */
  readonly hash: { readonly kind: 'sha256' | 'git'; readonly value: string };
  /** Where it goes; beside it lies what is not complete, with `.incomplete` behind the name. */
  readonly target: string;
  /** Asks for the bytes from `offset` on; gives only successes. */
  readonly open: (offset: number) => Promise<Response>;
  readonly endpoint: string;
}

export interface BlobProgress {
  /** How many bytes of the file are here now. */
  onBytes(here: number): void;
  onDetail(detail: string): void;
}

/** Where the part of a file lies that is here already. */
export function incompletePath(target: string): string {
  return `${target}.incomplete`;
}

/** Size of a file; null where there is none. */
export async function fileSize(path: string): Promise<number | null> {
  return stat(path).then(
    (status) => (status.isFile() ? status.size : null),
    () => null,
  );
}

function newHash({ hash, size }: BlobRequest): Hash {
  return hash.kind === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

/** Bytes that are here already, at most the size of the file, and their hash so far. */
async function resume(
  handle: FileHandle,
  request: BlobRequest,
  signal: AbortSignal,
): Promise<{ offset: number; hash: Hash }> {
  const hash = newHash(request);
  const buffer = Buffer.alloc(1 << 20);
  const here = Math.min((await handle.stat()).size, request.size);
  let offset = 0;
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, here - offset), offset);
    if (bytesRead === 0) return { offset, hash };
    hash.update(buffer.subarray(0, bytesRead));
    offset += bytesRead;
  }
}

/**
 * Fetches the file unless it is there.
 * @throws EspalierError `hub-hash`, `hub-size`, `disk-full`, `cache-unwritable`, those of `open`; the signal's reason
 */
export async function downloadBlob(
  request: BlobRequest,
  progress: BlobProgress,
  world: NetworkWorld,
  signal: AbortSignal,
): Promise<void> {
  if ((await fileSize(request.target)) === request.size) return progress.onBytes(request.size);
  const incomplete = incompletePath(request.target);
  try {
    await mkdir(dirname(request.target), { recursive: true });
    const older = await fileSize(incomplete);
    // A part that is longer than the whole belongs to something else.
    if (older !== null && older > request.size) await rm(incomplete, { force: true });
    const resumed = older !== null && older > 0 && older <= request.size;
    try {
      await fill(request, incomplete, progress, world, signal);
    } catch (error) {
      if (!resumed || !(error instanceof EspalierError) || error.code !== 'hub-hash') throw error;
      // What was left of an earlier fetch may be what is wrong: once more from the beginning.
      await fill(request, incomplete, progress, world, signal);
    }
    await rename(incomplete, request.target).catch(async (error: unknown) => {
      // Another process was faster.
      if ((await fileSize(request.target)) !== request.size) throw error;
    });
  } catch (error) {
    throw diskError(error, incomplete);
  }
}

async function fill(
  request: BlobRequest,
  incomplete: string,
  progress: BlobProgress,
  world: NetworkWorld,
  signal: AbortSignal,
): Promise<void> {
  const handle = await open(incomplete, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return open(incomplete, 'w+');
  });
  let digest: string;
  try {
    digest = await receive(request, handle, progress, world, signal);
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (digest === request.hash.value) return;
  await rm(incomplete, { force: true });
  throw new EspalierError(
    'environment',
    'hub-hash',
    `The file ${request.name} arrived damaged: its hash is not the one that the Hub lists.`,
    {
      where: request.name,
      advice:
        'Nothing of it was kept. Fetch again; if it happens again, a proxy or mirror in between changes files.',
    },
  );
}

/** Receives what is missing, in as many attempts as it takes; resolves to the hash of the whole. */
async function receive(
  request: BlobRequest,
  handle: FileHandle,
  progress: BlobProgress,
  world: NetworkWorld,
  signal: AbortSignal,
): Promise<string> {
  let { offset, hash } = await resume(handle, request, signal);
  let failures = 0;
  progress.onBytes(offset);
  while (offset < request.size) {
    signal.throwIfAborted();
    const before = offset;
    // What the server refuses is told as it is; a connection that is cut is tried again.
    const response = await request.open(offset);
    try {
      if (offset > 0 && response.status !== 206) {
        // The server sends the whole file, whatever was asked for.
        offset = 0;
        hash = newHash(request);
      }
      checkRange(response, offset, request);
      const reader = response.body?.getReader();
      if (reader === undefined) throw new Error('an answer without content');
      try {
        for (;;) {
          const { done, value } = await withTimeout(world.silence, signal, (inner) =>
            nextChunk(reader, inner),
          );
          if (done) break;
          if (offset + value.byteLength > request.size) throw wrongSize(request);
          await writeWhole(handle, value, offset);
          hash.update(value);
          offset += value.byteLength;
          progress.onBytes(offset);
        }
      } finally {
        void reader.cancel().catch(() => undefined);
      }
      if (offset === request.size) break;
      throw new Error('the connection was cut');
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof EspalierError || isDiskError(error)) throw error;
      failures = offset > before ? 1 : failures + 1;
      if (failures >= world.attempts) throw unreachable(request, error);
      progress.onDetail(`The connection was lost; going on with ${request.name}.`);
      await world.sleep(backoff(failures), signal);
    }
  }
  return hash.digest('hex');
}

/** Rejects when the signal is aborted, even while the server is silent. */
function nextChunk(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  signal: AbortSignal,
): ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    reader
      .read()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}

async function writeWhole(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.byteLength - written, offset + written);
    written += bytesWritten;
  }
}

/** Refuses an answer that is another part than asked for, or of a file of another size. */
function checkRange(response: Response, offset: number, request: BlobRequest): void {
  if (response.status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    if (
      range === null ||
      Number(range[1]) !== offset ||
      (range[2] !== '*' && Number(range[2]) !== request.size)
    ) {
      throw wrongSize(request);
    }
    return;
  }
  const length = response.headers.get('content-length');
  if (length !== null && response.headers.get('content-encoding') === null && Number(length) !== request.size)
    throw wrongSize(request);
}

function wrongSize(request: BlobRequest): EspalierError {
  return new EspalierError(
    'environment',
    'hub-size',
    `The server sends ${request.name} with another size than the Hub lists (${request.size} bytes).`,
    { where: request.name, advice: 'It was changed a moment ago, or a proxy stands between: fetch again.' },
  );
}

const diskCodes = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EACCES', 'EPERM', 'EROFS', 'EISDIR', 'ENOTDIR', 'EIO'];

function isDiskError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && diskCodes.includes(String(error.code));
}

/** What goes wrong on the disk, in words; anything else as it is. */
export function diskError(error: unknown, path: string): unknown {
  if (error instanceof EspalierError || !isDiskError(error)) return error;
  const full = error.code === 'ENOSPC' || error.code === 'EDQUOT';
  return full
    ? new EspalierError('environment', 'disk-full', 'The disk is full.', {
        where: path,
        advice:
          'Make room and fetch again: it goes on where it stopped. HF_HOME moves the cache to another disk.',
        cause: error,
      })
    : new EspalierError(
        'environment',
        'cache-unwritable',
        `The Hugging Face cache cannot be written: ${error.message}.`,
        {
          where: path,
          advice: 'Check the rights of this folder, or name another one with HF_HOME.',
          cause: error,
        },
      );
}
