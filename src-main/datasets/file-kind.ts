/** Tells by its first bytes what a file is, and refuses by name what holds no rows. */
import { userError } from '../contract/errors.ts';

/** What the readers can take. */
export const READABLE =
  'Parquet, Arrow, JSON lines (.jsonl), JSON (.json), CSV, TSV and lines of text (.txt), the last five also compressed with gzip or zstd';

/** How a file is to be read. */
export type FileKind = 'gzip' | 'zstd' | 'parquet' | 'arrow' | 'text';

interface Refused {
  readonly what: string;
  readonly advice: string;
  readonly begins?: readonly number[];
  readonly pattern?: RegExp;
}

const ascii = (text: string): number[] => [...text].map((character) => character.charCodeAt(0));
const saveAs = `Save or convert it as one of these: ${READABLE}.`;

const refused: readonly Refused[] = [
  {
    what: 'a zip archive or an Excel workbook',
    begins: [0x50, 0x4b, 0x03, 0x04],
    advice: 'Unpack the archive; from Excel, use “Save as” and choose CSV UTF-8.',
  },
  {
    what: 'an old Excel or Word file',
    begins: [0xd0, 0xcf, 0x11, 0xe0],
    advice: 'Open it there, use “Save as” and choose CSV.',
  },
  { what: 'a PDF document', begins: ascii('%PDF'), advice: saveAs },
  { what: 'an SQLite database', begins: ascii('SQLite format 3'), advice: `Export the table. ${saveAs}` },
  { what: 'an xz archive', begins: [0xfd, 0x37, 0x7a, 0x58, 0x5a], advice: 'Unpack it first (xz -d).' },
  { what: 'a bzip2 archive', begins: ascii('BZh'), advice: 'Unpack it first (bzip2 -d).' },
  { what: 'a 7-Zip archive', begins: [0x37, 0x7a, 0xbc, 0xaf], advice: 'Unpack it first.' },
  { what: 'a picture', begins: [0x89, 0x50, 0x4e, 0x47], advice: saveAs },
  {
    what: 'a Git LFS pointer, not the data itself',
    pattern: /^version https:\/\/git-lfs/,
    advice: 'In the folder it came from, run “git lfs pull”, or download the file itself.',
  },
  {
    what: 'a web page (HTML or XML)',
    pattern: /^\s*<(?:!doctype|html|head|body|\?xml|!--)/i,
    advice:
      'The download gave a page, perhaps a login or an error page. Open the address in a browser and save the file itself.',
  },
];

/**
 * What the first bytes of a file say.
 * @param head at least the first 64 bytes, where the file has so many
 * @param path named in the error
 * @throws EspalierError `data-format` when it is something that cannot be read
 */
export function fileKind(head: Uint8Array, path: string): FileKind {
  const startsWith = (begins: readonly number[]): boolean => begins.every((byte, i) => head[i] === byte);
  if (startsWith([0x1f, 0x8b])) return 'gzip';
  if (startsWith([0x28, 0xb5, 0x2f, 0xfd])) return 'zstd';
  if (startsWith(ascii('PAR1'))) return 'parquet';
  if (startsWith(ascii('ARROW1')) || startsWith([0xff, 0xff, 0xff, 0xff])) return 'arrow';
  const text = Buffer.from(head.subarray(0, 256)).toString('latin1');
  const found = refused.find(
    ({ begins, pattern }) =>
      (begins !== undefined && startsWith(begins)) || (pattern !== undefined && pattern.test(text)),
  );
  if (found !== undefined) {
    throw userError('data-format', `This file is ${found.what}; it cannot be read as a table of rows.`, {
      where: path,
      advice: found.advice,
    });
  }
  // Without its first bytes such a file cannot be told by them; its reader says what is missing.
  const named = /\.(?:(parquet)|arrow|feather)$/i.exec(path);
  if (named !== null && head.includes(0)) return named[1] === undefined ? 'arrow' : 'parquet';
  return 'text';
}
