import { expect, it } from 'vitest';
import { isWindowAddress, mayOpenOutside } from '../../../src-main/app/electron/window-address.ts';

it.each([
  ['app://espalier/', undefined, true],
  ['app://espalier/assets/x.js#/runs/1', undefined, true],
  ['app://evil/', undefined, false],
  ['app://espalier.evil/', undefined, false],
  ['https://espalier/', undefined, false],
  ['file:///etc/passwd', undefined, false],
  ['about:blank', undefined, false],
  ['not an address', undefined, false],
  ['http://localhost:5173/src', undefined, false],
  ['http://localhost:5173/src', 'http://localhost:5173', true],
  ['http://localhost:5174/', 'http://localhost:5173', false],
])('the window may show %s (development: %s): %s', (address, development, expected) => {
  expect(isWindowAddress(address, development)).toBe(expected);
});

it.each([
  ['https://arxiv.org/abs/2506.02553', true],
  ['http://arxiv.org/abs/1', false],
  ['https://arxiv.org.evil.example/', false],
  ['https://user@arxiv.org/', false],
  ['https://arxiv.org:8443/', false],
  ['javascript:alert(1)', false],
  ['file:///etc/passwd', false],
  ['', false],
])('%s may be opened in the browser: %s', (address, expected) => {
  expect(mayOpenOutside(address)).toBe(expected);
});
