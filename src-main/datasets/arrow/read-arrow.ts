/** Arrow files, streams and Feather → rows, one record batch in memory at a time. */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { zstdDecompressSync } from 'node:zlib';
import type { DataType } from 'apache-arrow';
import { CompressionType, RecordBatchReader, compressionRegistry } from 'apache-arrow';
import { EspalierError, userError } from '../../contract/errors.ts';
import type { OnWarning, Row } from '../row.ts';
import { setField } from '../typed-values.ts';
import { noteOnce } from '../value-notes.ts';
import { UnknownArrowType, arrowKind, columnReader } from './arrow-values.ts';
import { checkMessage } from './check-message.ts';
import { unpackLz4Frame } from '../lz4.ts';

const BATCH = 1000;
const getAgain = 'The copy or download was interrupted or damaged; get the file again.';

// Arrow wants memory of its own for each buffer, aligned to its numbers.
const LARGEST_BUFFER = 2 ** 31;
compressionRegistry.set(CompressionType.ZSTD, {
  decode: (bytes) => Uint8Array.from(zstdDecompressSync(bytes, { maxOutputLength: LARGEST_BUFFER })),
});
compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: unpackLz4Frame });

export interface ArrowReadOptions {
  readonly onWarning?: OnWarning | undefined;
  /** Told the share (0 to 1) that has been read. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

const CONTINUATION = 0xffffffff;
const MAGIC = 'ARROW1';

/** The file ends before it should. */
class CutOff extends Error {}

/**
 * The messages of a stream, each checked and in one piece. A file holds the same stream between its magic words, so that
 * its footer is not needed.
 */
async function* messages(
  handle: FileHandle,
  size: number,
  onPosition: (position: number) => void,
): AsyncGenerator<Uint8Array> {
  const read = async (offset: number, length: number): Promise<Buffer> => {
    if (offset + length > size) throw new CutOff();
    const buffer = Buffer.allocUnsafeSlow(length);
    let got = 0;
    while (got < length) {
      const { bytesRead } = await handle.read(buffer, got, length - got, offset + got);
      if (bytesRead === 0) throw new CutOff();
      got += bytesRead;
    }
    return buffer;
  };
  const isFile = (await read(0, 6)).toString('latin1') === MAGIC;
  if (isFile && (size < 16 || (await read(size - 6, 6)).toString('latin1') !== MAGIC)) throw new CutOff();
  let position = isFile ? 8 : 0;
  while (position < size) {
    const start = await read(position, Math.min(8, size - position));
    if (start.length < 4) throw new CutOff();
    const marked = start.readUInt32LE(0) === CONTINUATION;
    if (marked && start.length < 8) throw new CutOff();
    // Before version 0.15 there was no continuation mark.
    const length = start.readInt32LE(marked ? 4 : 0);
    if (length === 0) return;
    if (length < 0) throw new Error('a message of negative length');
    const prefix = marked ? 8 : 4;
    const { bodyLength } = checkMessage(await read(position + prefix, length));
    const whole = await read(position, prefix + length + bodyLength);
    position += whole.length;
    onPosition(position);
    yield whole;
  }
}

/**
 * Streams the rows in batches.
 * @throws EspalierError `data-truncated`, `data-corrupt` (with the batch) or `data-format` (a type that is not read)
 */
export async function* readArrow(path: string, options: ArrowReadOptions = {}): AsyncGenerator<Row[]> {
  const handle = await open(path, 'r');
  const note = noteOnce(path, options.onWarning);
  let batchNumber = 0;
  let row = 0;
  try {
    const { size } = await handle.stat();
    let position = 0;
    const reader = await RecordBatchReader.from(messages(handle, size, (at) => (position = at)));
    await reader.open();
    if (reader.closed || reader.schema === undefined) throw new Error('there is no schema');
    const names = reader.schema.fields.map((field) => field.name);
    for await (const batch of reader) {
      batchNumber += 1;
      const readers = batch.data.children.map((column, i) =>
        columnReader(column, (what) => note(names[i] ?? '', what)),
      );
      if (batch.data.children.some((column) => column.length < batch.numRows))
        throw new Error('a column is shorter than its batch');
      for (let start = 0; start < batch.numRows; start += BATCH) {
        const rows: Row[] = [];
        for (let at = start; at < Math.min(start + BATCH, batch.numRows); at++) {
          const made: Row = {};
          for (let i = 0; i < readers.length; i++) setField(made, names[i] ?? '', readers[i]?.(at) ?? null);
          rows.push(made);
        }
        row += rows.length;
        yield rows;
      }
      options.onProgress?.(position / size);
    }
  } catch (error) {
    throw arrowError(error, path, batchNumber, row);
  } finally {
    await handle.close().catch(() => undefined);
  }
}

/**
 * Names and kinds of the columns, from the schema alone.
 * @throws EspalierError `data-truncated` or `data-corrupt`
 */
export async function arrowColumns(path: string): Promise<{ name: string; type: string }[]> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const reader = await RecordBatchReader.from(messages(handle, size, () => undefined));
    await reader.open();
    const fields: readonly { readonly name: string; readonly type: DataType }[] = reader.schema.fields;
    return fields.map(({ name, type }) => ({ name, type: arrowKind(type) }));
  } catch (error) {
    throw arrowError(error, path, 0, 0);
  } finally {
    await handle.close().catch(() => undefined);
  }
}

function arrowError(error: unknown, path: string, batchNumber: number, row: number): unknown {
  if (error instanceof EspalierError) return error;
  if (error instanceof UnknownArrowType) {
    return userError(
      'data-format',
      `A column of this Arrow file has the type ${error.message}, which is not read.`,
      {
        where: path,
        advice: 'Leave the column out, or save the data as Parquet or JSON lines.',
      },
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  const where = `${path}, behind batch ${batchNumber} (row ${row})`;
  if (error instanceof CutOff) {
    return userError('data-truncated', 'This Arrow file is cut off: it ends in the middle of a batch.', {
      where,
      advice: getAgain,
      cause: error,
    });
  }
  return userError('data-corrupt', `This Arrow file is damaged and cannot be read (${message}).`, {
    where,
    advice: getAgain,
    cause: error,
  });
}
