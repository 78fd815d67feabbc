import { expect, it } from 'vitest';
import { adamWBinary } from '../../../src-main/runtime/adamw-binary.ts';
import { assembleAdamW } from '../../../src-main/runtime/make-adamw-binary.ts';

it('is the assembled adamw.wat', async () => {
  expect(adamWBinary).toBe(Buffer.from(await assembleAdamW()).toString('base64'));
});
