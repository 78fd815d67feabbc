import { expect, test } from 'vitest';
import {
  formatBytes,
  formatDuration,
  formatNumber,
  oneLine,
  renderTable,
} from '../../../src-main/app/cli/table.ts';

test('columns are aligned and long cells cut', () => {
  const text = renderTable(
    [{ title: 'Run' }, { title: 'Score', align: 'right' }, { title: 'Text', maximum: 6 }],
    [
      ['a', '0.5', 'one\ntwo three'],
      ['bcd', '12', ''],
    ],
  );
  expect(text.split('\n')).toEqual(['Run  Score  Text', 'a      0.5  one⏎t…', 'bcd     12']);
});

test('characters outside the basic plane count as one', () => {
  expect(oneLine('😀😀😀😀', 3)).toBe('😀😀…');
});

test.each([
  [0, '0'],
  [0.123456, '0.1235'],
  [1234.56, '1,235'],
  [102_400, '102,400'],
  [-0.5, '-0.5'],
  [null, '–'],
  [Number.NaN, '–'],
])('%s is written %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test.each([
  [0, '0 s'],
  [0.44, '0.4 s'],
  [9.96, '10 s'],
  [59.6, '1:00 min'],
  [187, '3:07 min'],
  [3723, '1:02:03 h'],
  [null, '–'],
])('%s seconds are %s', (value, text) => {
  expect(formatDuration(value)).toBe(text);
});

test('bytes', () => {
  expect(formatBytes(512)).toBe('512 bytes');
  expect(formatBytes(1536)).toBe('1.5 KB');
  expect(formatBytes(3 * 1024 ** 3)).toBe('3.0 GB');
});
