import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix, resolve, win32 } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryFolder } from '../../../../src-main/app/hub/hub-cache.ts';
import { hubSettings } from '../../../../src-main/app/hub/hub-settings.ts';
import { backoff, retryAfter } from '../../../../src-main/app/hub/hub-fetch.ts';
import { checkedRequest, isSafeFileName } from '../../../../src-main/app/hub/repository-name.ts';
import { chooseData, dataPlaces } from '../../../../src-main/app/hub/choose-files.ts';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'espalier-home-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('settings', () => {
  it('are those of the other tools', () => {
    expect(hubSettings({}, home)).toEqual({
      endpoint: 'https://huggingface.co',
      cache: join(home, '.cache', 'huggingface', 'hub'),
      token: null,
      offline: false,
    });
    expect(hubSettings({ XDG_CACHE_HOME: '/x' }, home).cache).toBe(resolve('/x/huggingface/hub'));
    expect(hubSettings({ HF_HOME: '~/hf' }, home).cache).toBe(join(home, 'hf', 'hub'));
    expect(hubSettings({ HF_HOME: '/hf', HUGGINGFACE_HUB_CACHE: '/old' }, home).cache).toBe(resolve('/old'));
    expect(hubSettings({ HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '/new' }, home).cache).toBe(
      resolve('/new'),
    );
    expect(hubSettings({ HF_ENDPOINT: 'https://mirror.example/hub/' }, home).endpoint).toBe(
      'https://mirror.example/hub',
    );
    expect(hubSettings({ HF_HUB_OFFLINE: '1' }, home).offline).toBe(true);
    expect(hubSettings({ HF_HUB_OFFLINE: '0' }, home).offline).toBe(false);
  });

  it('take the token from the environment before the file', () => {
    writeFileSync(join(home, 'token'), 'hf_file\n');
    expect(hubSettings({ HF_HOME: home }, home).token).toBe('hf_file');
    expect(hubSettings({ HF_HOME: home, HF_TOKEN: ' hf_named ' }, home).token).toBe('hf_named');
    expect(hubSettings({ HF_TOKEN_PATH: join(home, 'token') }, home).token).toBe('hf_file');
    expect(hubSettings({ HF_HOME: home, HF_TOKEN: '' }, home).token).toBe('hf_file');
  });

  it('refuse an endpoint that is no address', () => {
    expect(() => hubSettings({ HF_ENDPOINT: 'mirror.example' }, home)).toThrow('HF_ENDPOINT');
    expect(() => hubSettings({ HF_ENDPOINT: 'file:///etc' }, home)).toThrow('HF_ENDPOINT');
  });
});

describe('waiting', () => {
  it('follows what the server asks for', () => {
    const now = Date.UTC(2026, 0, 1);
    const after = (headers: Record<string, string>) => retryAfter(new Headers(headers), now);
    expect(after({})).toBe(null);
    expect(after({ 'retry-after': '12' })).toBe(12_000);
    expect(after({ 'retry-after': new Date(now + 30_000).toUTCString() })).toBe(30_000);
    expect(after({ 'retry-after': new Date(now - 30_000).toUTCString() })).toBe(0);
    expect(after({ 'retry-after': 'soon' })).toBe(null);
    expect(after({ ratelimit: '"api";r=0;t=55' })).toBe(55_000);
  });

  it('grows and ends growing', () => {
    const waits = Array.from({ length: 12 }, (_, i) => backoff(i + 1));
    expect(waits.slice(0, 3)).toEqual([500, 1000, 2000]);
    expect(Math.max(...waits)).toBe(30_000);
  });
});

const checked = (name: string, revision = 'main') =>
  checkedRequest({ kind: 'model', name, revision }, 'https://huggingface.co');

describe('names', () => {
  it('are taken from addresses', () => {
    expect(checked('https://huggingface.co/owner/name/')).toMatchObject({
      kind: 'model',
      name: 'owner/name',
      revision: 'main',
    });
    expect(checked('hf.co/datasets/owner/name/tree/v2')).toMatchObject({
      kind: 'dataset',
      name: 'owner/name',
      revision: 'v2',
    });
    expect(checked('gpt2').name).toBe('gpt2');
  });

  it.each(['', '..', 'a/..', 'a/b/c', 'a b', '/a', 'a/', 'a--b/c', 'https://example.com/a/b', '.a/b'])(
    'refuse %j',
    (name) => {
      expect(() => checked(name)).toThrow('not the name');
    },
  );

  it.each(['', '..', 'a/../b', '/a', 'a/', 'a b', 'a\\b'])('refuse the revision %j', (revision) => {
    expect(() => checked('a/b', revision)).toThrow('not a branch');
  });

  it('of files stay inside their folder', () => {
    for (const name of [
      'a.json',
      'data/train-00000-of-00001.parquet',
      'a/b/c.txt',
      '.gitattributes',
      'ünï.csv',
    ]) {
      expect([name, isSafeFileName(name)]).toEqual([name, true]);
    }
    for (const name of [
      '',
      '..',
      'a/..',
      '../a',
      '/a',
      'a//b',
      'C:a',
      'a\\b',
      'a\0b',
      'con',
      'aux.txt',
      'x/NUL',
      '.',
      'a/./b',
    ]) {
      expect([name, isSafeFileName(name)]).toEqual([name, false]);
    }
  });
});

describe('any text', () => {
  const names = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc
      .array(fc.constantFrom('..', '.', '/', '\\', 'a', 'C:', 'nul', ' ', '\0'), { maxLength: 6 })
      .map((parts) => parts.join('')),
  );

  it('that is taken for a file name stays inside its folder on every system', () => {
    fc.assert(
      fc.property(names, (name) => {
        if (!isSafeFileName(name)) return;
        expect(posix.resolve('/root/inside', name).startsWith('/root/inside/')).toBe(true);
        expect(win32.resolve('C:\\inside', name).startsWith('C:\\inside\\')).toBe(true);
      }),
    );
  });

  it('that is taken for a repository or revision names one folder in the cache', () => {
    fc.assert(
      fc.property(names, names, (name, revision) => {
        let request;
        try {
          request = checked(name, revision);
        } catch {
          return;
        }
        const folder = repositoryFolder('/cache', 'model', request.name);
        expect(posix.dirname(posix.normalize(folder))).toBe('/cache');
        expect(posix.resolve('/refs', request.revision).startsWith('/refs/')).toBe(true);
      }),
    );
  });
});

describe('data files', () => {
  it.each([
    ['data/train-00000-of-00002.parquet', 'default', 'train'],
    ['data/test_hard-00000-of-00001-0123456789abcdef.parquet', 'default', 'test_hard'],
    ['main/train-00000-of-00001.parquet', 'main', 'train'],
    ['socratic/test-00000-of-00001.parquet', 'socratic', 'test'],
    ['default/train/0000.parquet', 'default', 'train'],
    ['easy/partial-train/0003.parquet', 'easy', 'train'],
    ['train.parquet', 'default', 'train'],
    ['dev.parquet', 'default', 'validation'],
    ['data/valid/part.parquet', 'default', 'validation'],
    ['everything.parquet', 'default', 'train'],
    ['contest.parquet', 'default', 'train'],
  ])('%s is configuration %s, split %s', (path, config, split) => {
    expect(dataPlaces([{ path, size: 1 }], 'parquet')).toMatchObject([{ config, split }]);
  });

  it('are those of one configuration', () => {
    const files = [
      'main/train-00000-of-00001.parquet',
      'main/test-00000-of-00001.parquet',
      'socratic/train-00000-of-00001.parquet',
    ];
    const places = dataPlaces(
      files.map((path) => ({ path, size: 1 })),
      'parquet',
    );
    expect(chooseData(places, { name: 'x', config: 'main' }).places.map(({ file }) => file.path)).toEqual(
      files.slice(0, 2),
    );
    expect(() => chooseData(places, { name: 'x' })).toThrow('2 configurations');
  });

  it('are Parquet where there is any, and never what describes them', () => {
    const files = ['a.csv', 'train.parquet', 'dataset_infos.json'].map((path) => ({ path, size: 1 }));
    expect(dataPlaces(files, 'any').map(({ file }) => file.path)).toEqual(['train.parquet']);
    expect(dataPlaces(files.slice(0, 1).concat(files.slice(2)), 'any').map(({ file }) => file.path)).toEqual([
      'a.csv',
    ]);
  });
});
