/** Headers of safetensors files: valid ones of any shape, and every way in which they can lie. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EspalierError } from '../../../src-main/contract/errors.ts';
import { HEADER_LIMIT, headerLength, parseHeader } from '../../../src-main/models/safetensors-header.ts';

const encode = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const lengthBytes = (length: bigint): Uint8Array => {
  const bytes = new Uint8Array(24);
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  return bytes;
};
/** Parses a header in front of `dataBytes` bytes of data. */
const parse = (header: unknown, dataBytes: number): ReturnType<typeof parseHeader> => {
  const bytes = encode(header);
  return parseHeader(bytes, 8 + bytes.byteLength + dataBytes, 'model.safetensors');
};
const f32 = (shape: number[], from: number, to: number): object => ({
  dtype: 'F32',
  shape,
  data_offsets: [from, to],
});

describe('length of the header', () => {
  it('is the little-endian number at the beginning', () => {
    expect(headerLength(lengthBytes(300n), 1000, 'f')).toBe(300);
  });

  it.each([
    ['an empty file', new Uint8Array(0), 0, 'only 0 bytes'],
    ['a file of seven bytes', new Uint8Array(7), 7, 'only 7 bytes'],
    ['a header beyond the end', lengthBytes(1000n), 1007, 'cut off'],
    ['a header beyond the limit', lengthBytes(BigInt(HEADER_LIMIT) + 1n), 2 ** 40, 'at most'],
    ['a header of 2^64 - 1 bytes', lengthBytes(2n ** 64n - 1n), 2 ** 40, 'at most'],
    ['a Git LFS pointer', encode('version https://git-lfs.github.com/spec/v1\n'), 130, 'Git LFS'],
    ['a web page', encode('<!DOCTYPE html><html><head>'), 5000, 'at most'],
  ])('refuses %s', (_, start, size, message) => {
    expect(() => headerLength(start, size, 'f')).toThrow(
      expect.objectContaining({
        code: 'weights-damaged',
        where: 'f',
        message: expect.stringContaining(message),
      }),
    );
  });
});

describe('header', () => {
  it('gives tensors in the order of their place, and leaves out the metadata', () => {
    const header = {
      b: f32([2, 3], 8, 32),
      __metadata__: { format: 'pt' },
      a: f32([2], 0, 8),
      scalar: { dtype: 'BF16', shape: [], data_offsets: [32, 34] },
    };
    const start = 8 + encode(header).byteLength;
    expect(parse(header, 34)).toEqual([
      { name: 'a', type: 'F32', shape: [2], offset: start, byteLength: 8 },
      { name: 'b', type: 'F32', shape: [2, 3], offset: start + 8, byteLength: 24 },
      { name: 'scalar', type: 'BF16', shape: [], offset: start + 32, byteLength: 2 },
    ]);
    expect(parse('{}   ', 0)).toEqual([]);
    expect(parse({ none: f32([0, 7], 0, 0) }, 0)).toHaveLength(1);
    expect(parse('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4)[0]?.name).toBe(
      '__proto__',
    );
  });

  it.each<[string, unknown, number, string]>([
    ['cut off', '{"a":{"dtype":"F32","sha', 0, 'valid JSON'],
    ['not UTF-8', '\ud800', 0, 'valid JSON'],
    ['a list', '[]', 0, 'JSON object'],
    ['null', 'null', 0, 'JSON object'],
    ['an entry that is no object', { a: 7 }, 0, 'entry of "a"'],
    ['no shape', { a: { dtype: 'F32', data_offsets: [0, 4] } }, 4, 'entry of "a"'],
    ['a negative size', { a: f32([-1], 0, 4) }, 4, 'entry of "a"'],
    ['a fractional size', { a: f32([1.5], 0, 6) }, 6, 'entry of "a"'],
    [
      'a size beyond exact numbers',
      '{"a":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,4]}}',
      4,
      'entry of "a"',
    ],
    ['three offsets', { a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 8] } }, 4, 'entry of "a"'],
    ['a negative offset', { a: f32([1], -4, 0) }, 4, 'entry of "a"'],
    ['offsets the wrong way round', { a: f32([1], 4, 0) }, 4, 'should lie'],
    ['offsets beyond the end', { a: f32([2], 0, 8) }, 4, 'cut off'],
    ['enormous offsets', { a: f32([1], 0, 2 ** 52) }, 4, 'cut off'],
    ['too few bytes for the shape', { a: f32([3], 0, 8) }, 8, 'needs 12 bytes, but has 8'],
    ['a shape whose product overflows', { a: f32([2 ** 31, 2 ** 31, 2 ** 31], 0, 4) }, 4, 'needs'],
    ['an unknown type', { a: { dtype: 'Q4_K', shape: [1], data_offsets: [0, 4] } }, 4, 'Q4_K'],
    [
      'a type named like a method',
      { a: { dtype: 'toString', shape: [1], data_offsets: [0, 4] } },
      4,
      'toString',
    ],
    ['overlapping tensors', { a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12, '"a" and "b" overlap'],
    ['the same place twice', { a: f32([2], 0, 8), b: f32([2], 0, 8) }, 8, 'overlap'],
    ['a gap', { a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12, '4 bytes before the tensor "b"'],
    ['bytes left over', { a: f32([1], 0, 4) }, 10, '6 bytes at its end'],
    [
      'a name twice',
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
      8,
      '"a" twice',
    ],
    [
      'a name twice in other spelling',
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
      8,
      '"a" twice',
    ],
  ])('refuses a header that is hostile or damaged: %s', (_, header, dataBytes, message) => {
    expect(() => parse(header, dataBytes)).toThrow(
      expect.objectContaining({
        kind: 'user',
        code: expect.stringMatching(/weights-damaged|model-unsupported/),
        where: 'model.safetensors',
        message: expect.stringContaining(message),
      }),
    );
  });

  it('reads back every valid header', () => {
    const tensors = fc.array(
      fc.record({ name: fc.string({ unit: 'grapheme' }), shape: fc.array(fc.nat(5), { maxLength: 4 }) }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(tensors, (list) => {
        const unique = list.filter(
          ({ name }, index) =>
            name !== '__metadata__' && list.findIndex((one) => one.name === name) === index,
        );
        let offset = 0;
        const entries = unique.map(({ name, shape }): [string, object] => {
          const bytes = 4 * shape.reduce((product, size) => product * size, 1);
          offset += bytes;
          return [name, f32(shape, offset - bytes, offset)];
        });
        const json = `{${entries.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`;
        const found = new Map(parse(json, offset).map((entry) => [entry.name, entry.shape]));
        expect(found.size).toBe(unique.length);
        for (const { name, shape } of unique) expect(found.get(name)).toEqual(shape);
      }),
    );
  });

  it('answers any bytes with tensors within the file or with a user error', () => {
    const text = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map(encode),
      fc
        .dictionary(
          fc.string(),
          fc.record({
            dtype: fc.constantFrom('F32', 'F16', 'I64', 'X'),
            shape: fc.array(fc.integer({ min: -1, max: 9 })),
            data_offsets: fc.array(fc.integer({ min: -1, max: 99 })),
          }),
        )
        .map(encode),
    );
    fc.assert(
      fc.property(text, fc.nat(100), (header, dataBytes) => {
        const size = 8 + header.byteLength + dataBytes;
        try {
          for (const { offset, byteLength } of parseHeader(header, size, 'f')) {
            expect(offset).toBeGreaterThanOrEqual(8 + header.byteLength);
            expect(offset + byteLength).toBeLessThanOrEqual(size);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(EspalierError);
        }
      }),
    );
  });
});
