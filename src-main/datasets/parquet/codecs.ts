/** Unpacks the pages of Parquet files: Node's own codecs where it has them, Snappy from hyparquet-compressors. */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Compressors } from 'hyparquet/src/types.js';
import { compressors } from 'hyparquet-compressors';
import { unpackHadoopLz4, unpackLz4Block } from '../lz4.ts';

/** Largest page that is unpacked; a damaged header may claim anything. */
const LARGEST_PAGE = 1 << 30;

type Unpack = (input: Uint8Array, length: number) => Uint8Array;

const bounded =
  (unpack: Unpack): Unpack =>
  (input, length) => {
    if (length > LARGEST_PAGE) throw new Error(`a page claims ${length} bytes`);
    return unpack(input, length);
  };

/** At least 1, because 0 would mean no bound. */
const upTo = (length: number): { maxOutputLength: number } => ({ maxOutputLength: Math.max(1, length) });

/** Unpackers by codec, for hyparquet's page readers. They throw on damaged input. */
export const codecs: Compressors = {
  ...(compressors.SNAPPY === undefined ? {} : { SNAPPY: bounded(compressors.SNAPPY) }),
  LZ4: bounded(unpackHadoopLz4),
  LZ4_RAW: bounded(unpackLz4Block),
  GZIP: bounded((input, length) => gunzipSync(input, upTo(length))),
  BROTLI: bounded((input, length) => brotliDecompressSync(input, upTo(length))),
  ZSTD: bounded((input, length) => zstdDecompressSync(input, upTo(length))),
};
