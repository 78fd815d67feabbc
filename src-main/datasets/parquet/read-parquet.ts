/** Parquet files → rows: the footer is checked first, then row groups are read in batches of rows, page by page. */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { FileMetaData, SchemaTree } from 'hyparquet/src/types.js';
import { parquetMetadata, parquetSchema } from 'hyparquet/src/metadata.js';
import { getTreePath } from 'hyparquet/src/schema.js';
import { z } from 'zod';
import { EspalierError, userError } from '../../contract/errors.ts';
import type { OnWarning, Row } from '../row.ts';
import { noteOnce } from '../value-notes.ts';
import { pathKey, rowReader } from './assemble.ts';
import type { ReadBytes } from './column-chunk.ts';
import { ColumnChunk } from './column-chunk.ts';
import { leafKind, leafValue } from './leaf-values.ts';

/** Rows that are handed over at once. */
const BATCH = 1000;
/** A footer describes columns and row groups; larger ones are damage. */
const LONGEST_FOOTER = 512 * 1024 * 1024;
const getAgain = 'The copy or download was interrupted or damaged; get the file again.';

/** What the footer of a file says. */
export interface ParquetFacts {
  readonly rows: number;
  readonly rowGroups: number;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Names of the classes by column, where the Hugging Face library noted them. */
  readonly classLabels: ReadonlyMap<string, readonly string[]>;
}

interface OpenFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly read: ReadBytes;
  readonly metadata: FileMetaData;
  readonly schema: SchemaTree;
}

function truncated(path: string, message: string): EspalierError {
  return userError('data-truncated', message, { where: path, advice: getAgain });
}

function corrupt(where: string, message: string, cause?: unknown): EspalierError {
  return userError('data-corrupt', message, { where, advice: getAgain, cause });
}

async function readFooter(read: ReadBytes, size: number, path: string): Promise<FileMetaData> {
  if (size < 12) throw truncated(path, `This Parquet file is cut off: it has only ${size} bytes.`);
  const start = (await read(0, 4)).toString('latin1');
  const end = await read(size - 8, 8);
  const magic = end.subarray(4).toString('latin1');
  if (magic === 'PARE') {
    throw userError('data-format', 'This Parquet file is encrypted.', {
      where: path,
      advice: 'Save it again without encryption.',
    });
  }
  if (magic !== 'PAR1')
    throw truncated(path, 'This Parquet file is cut off: its end (the footer) is missing.');
  if (start !== 'PAR1')
    throw truncated(
      path,
      'This Parquet file is cut off: its beginning is missing, so nothing is in its place.',
    );
  const length = end.readUInt32LE(0);
  if (length > size - 12 || length > LONGEST_FOOTER) {
    throw corrupt(path, `This Parquet file is damaged: its footer claims ${length} bytes of ${size}.`);
  }
  try {
    return parquetMetadata(await read(size - 8 - length, length + 8), { geoparquet: false });
  } catch (error) {
    if (error instanceof EspalierError) throw error;
    throw corrupt(path, 'This Parquet file is damaged: its footer cannot be read.', error);
  }
}

/** Opens a file and reads its footer; the caller closes it. */
async function openParquet(path: string): Promise<OpenFile> {
  const handle = await open(path, 'r');
  const read: ReadBytes = async (offset, length) => {
    const buffer = Buffer.allocUnsafeSlow(length);
    let got = 0;
    while (got < length) {
      const { bytesRead } = await handle.read(buffer, got, length - got, offset + got);
      if (bytesRead === 0) throw truncated(path, 'This Parquet file is cut off: it is shorter than it says.');
      got += bytesRead;
    }
    return buffer;
  };
  try {
    const { size } = await handle.stat();
    const metadata = await readFooter(read, size, path);
    return { path, handle, read, metadata, schema: schemaOf(metadata, path) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function schemaOf(metadata: FileMetaData, path: string): SchemaTree {
  try {
    return parquetSchema(metadata);
  } catch (error) {
    throw corrupt(path, 'This Parquet file is damaged: its schema cannot be read.', error);
  }
}

function columnKind(node: SchemaTree): string {
  if (node.element.repetition_type === 'REPEATED') return 'list';
  if (node.children.length === 0) return leafKind(node.element);
  const { converted_type: converted, logical_type: logical } = node.element;
  return converted === 'LIST' || logical?.type === 'LIST' ? 'list' : 'object';
}

const featuresSchema = z.object({
  info: z.object({ features: z.record(z.string(), z.unknown()) }),
});
const classLabelSchema = z.object({ _type: z.literal('ClassLabel'), names: z.array(z.string()) });

function classLabels(metadata: FileMetaData): Map<string, readonly string[]> {
  const labels = new Map<string, readonly string[]>();
  const text = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  if (text === undefined) return labels;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return labels;
  }
  const features = featuresSchema.safeParse(parsed).data?.info.features ?? {};
  for (const [name, feature] of Object.entries(features)) {
    const names = classLabelSchema.safeParse(feature).data?.names;
    if (names !== undefined) labels.set(name, names);
  }
  return labels;
}

/**
 * What a file holds, from its footer alone.
 * @throws EspalierError `data-truncated`, `data-corrupt` or `data-format`
 */
export async function parquetFacts(path: string): Promise<ParquetFacts> {
  const { handle, metadata, schema } = await openParquet(path);
  await handle.close();
  return {
    rows: Number(metadata.num_rows),
    rowGroups: metadata.row_groups.length,
    columns: schema.children.map((node) => ({ name: node.element.name, type: columnKind(node) })),
    classLabels: classLabels(metadata),
  };
}

export interface ParquetReadOptions {
  readonly onWarning?: OnWarning | undefined;
  /** Told the share (0 to 1) that has been read. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

/**
 * Streams the rows in batches; a file without rows gives none.
 * @throws EspalierError `data-truncated`, `data-corrupt` (with the row group and its rows), `data-format`
 */
export async function* readParquet(path: string, options: ParquetReadOptions = {}): AsyncGenerator<Row[]> {
  const file = await openParquet(path);
  try {
    yield* rowsOf(file, options);
  } finally {
    await file.handle.close();
  }
}

async function* rowsOf(file: OpenFile, options: ParquetReadOptions): AsyncGenerator<Row[]> {
  const { path, metadata, schema } = file;
  const total = Number(metadata.num_rows);
  const note = noteOnce(path, options.onWarning);
  let done = 0;
  for (const [index, group] of metadata.row_groups.entries()) {
    const rows = Number(group.num_rows);
    const where = `${path}, row group ${index + 1} (rows ${done + 1} to ${done + rows})`;
    const columns = new Map<string, ColumnChunk>();
    let left = rows;
    let read: (() => Row) | undefined;
    for (;;) {
      const batch: Row[] = [];
      try {
        if (read === undefined) {
          for (const chunk of group.columns) {
            const meta = chunk.meta_data;
            if (meta === undefined) throw encrypted(where);
            if (chunk.file_path !== undefined) throw new Error('its columns lie in other files');
            const treePath = getTreePath(schema, meta.path_in_schema);
            const element = treePath.at(-1)?.element;
            if (element === undefined) throw new Error('a column without a type');
            const name = meta.path_in_schema[0] ?? '';
            const convert = leafValue(element, (what) => note(name, what));
            columns.set(pathKey(meta.path_in_schema), new ColumnChunk(file.read, meta, treePath, convert));
          }
          if (rows > 0) read = rowReader(schema, columns);
        }
        if (left === 0 || read === undefined) break;
        let ready = Math.min(left, BATCH);
        for (const column of columns.values()) {
          await column.fill();
          ready = Math.min(ready, column.completeRows);
        }
        if (ready === 0) throw new Error('a column has fewer rows than the others');
        for (let i = 0; i < ready; i++) batch.push(read());
        for (const column of columns.values()) column.rowsTaken(ready);
        left -= ready;
      } catch (error) {
        if (error instanceof EspalierError) throw error;
        const why = error instanceof Error ? error.message : String(error);
        throw corrupt(where, `This Parquet file is damaged: a row group cannot be read (${why}).`, error);
      }
      done += batch.length;
      options.onProgress?.(total === 0 ? 1 : done / total);
      yield batch;
    }
  }
}

function encrypted(where: string): EspalierError {
  return userError('data-format', 'Columns of this Parquet file are encrypted.', {
    where,
    advice: 'Save it again without encryption.',
  });
}
