import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  findCheckpoint,
  linkCheckpoint,
  removeUnfinished,
  resolveCheckpoint,
  writeCheckpoint,
} from '../../../src-main/training/checkpoint.ts';
import { configHash } from '../../../src-main/training/loop-state.ts';
import { runConfig, temporaryFolder } from './loop-parts.ts';

const root = temporaryFolder();
afterAll(() => rm(root, { recursive: true, force: true }));

function writing(text: string): (directory: string) => Promise<void> {
  return async (directory) => {
    await mkdir(join(directory, 'model'));
    await writeFile(join(directory, 'model', 'weights'), text);
  };
}

describe('checkpoints', () => {
  it('replace the one before only once they are whole', async () => {
    const run = join(root, 'replace');
    const first = await writeCheckpoint(run, 'last', 10, writing('ten'));
    await expect(
      writeCheckpoint(run, 'last', 20, async (directory) => {
        await writing('twen')(directory);
        // The older one must stand for as long as this one is being written.
        expect(await readFile(join(first, 'model', 'weights'), 'utf8')).toBe('ten');
        throw new Error('power cut');
      }),
    ).rejects.toThrow('power cut');
    expect(await findCheckpoint(run, 'last')).toBe(first);
    expect(await readdir(join(run, 'checkpoints'))).toEqual(['last-00000010']);
    const second = await writeCheckpoint(run, 'last', 20, writing('twenty'));
    expect(await readdir(join(run, 'checkpoints'))).toEqual(['last-00000020']);
    expect(await resolveCheckpoint(first)).toBe(second);
  });

  it('take a second role by hard links that outlive the first', async () => {
    const run = join(root, 'link');
    const last = await writeCheckpoint(run, 'last', 5, writing('five'));
    const best = await linkCheckpoint(run, last, 'best', 5);
    expect((await stat(join(best, 'model', 'weights'))).ino).toBe(
      (await stat(join(last, 'model', 'weights'))).ino,
    );
    await writeCheckpoint(run, 'last', 6, writing('six'));
    expect(await readFile(join(best, 'model', 'weights'), 'utf8')).toBe('five');
  });

  it('can be written again for the same step', async () => {
    const run = join(root, 'again');
    await writeCheckpoint(run, 'last', 5, writing('old'));
    const path = await writeCheckpoint(run, 'last', 5, writing('new'));
    expect(await readFile(join(path, 'model', 'weights'), 'utf8')).toBe('new');
    expect(await readdir(join(run, 'checkpoints'))).toEqual(['last-00000005']);
  });

  it('are put back when a crash came between the two renames of a rewrite', async () => {
    const run = join(root, 'crash');
    const folder = join(run, 'checkpoints');
    await mkdir(join(folder, '.unfinished-replaced-last-00000005', 'model'), { recursive: true });
    await mkdir(join(folder, '.unfinished-last-00000005'), { recursive: true });
    await removeUnfinished(run);
    expect(await readdir(folder)).toEqual(['last-00000005']);
    expect(await readdir(join(folder, 'last-00000005'))).toEqual(['model']);
  });

  it('are found by the highest step, and missed with advice', async () => {
    const run = join(root, 'find');
    await mkdir(join(run, 'checkpoints', 'last-00000009'), { recursive: true });
    await mkdir(join(run, 'checkpoints', 'last-00000010'), { recursive: true });
    expect(await findCheckpoint(run, 'last')).toBe(join(run, 'checkpoints', 'last-00000010'));
    expect(await findCheckpoint(run, 'best')).toBeNull();
    await expect(resolveCheckpoint(join(run, 'checkpoints', 'best-00000001'))).rejects.toMatchObject({
      code: 'checkpoint-missing',
    });
  });
});

describe('configHash', () => {
  it('does not depend on names, paths and how often checkpoints are written, but on everything else', () => {
    const config = runConfig();
    const hash = configHash(config);
    const moved = { ...config, name: 'other', model: { ...config.model, path: '/elsewhere' } };
    expect(configHash({ ...moved, budget: { ...config.budget, checkpointEvery: 3 } })).toBe(hash);
    expect(configHash({ ...config, seed: 2 })).not.toBe(hash);
    expect(configHash({ ...config, method: { ...config.method, learningRate: 0.3 } })).not.toBe(hash);
    expect(configHash({ ...config, budget: { ...config.budget, steps: 41 } })).not.toBe(hash);
    expect(configHash({ ...config, data: { ...config.data, evaluation: '/x' } })).not.toBe(hash);
  });
});
