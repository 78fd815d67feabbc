import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeyStore, type SafeStorage } from '../../../../src-main/app/judge/key-store.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'espalier-keys-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const folder = () => join(directory, 'config');
const path = () => join(folder(), 'keys.json');
const store = (environment: Record<string, string> = {}, safeStorage?: SafeStorage) =>
  createKeyStore({ directory: folder(), environment, ...(safeStorage ? { safeStorage } : {}) });
const reversing: SafeStorage = {
  encrypt: (text) => Buffer.from([...text].reverse().join('')),
  decrypt: (bytes) => [...Buffer.from(bytes).toString()].reverse().join(''),
};

describe('a store of keys', () => {
  it('keeps them in a file for this user alone, and tells names only', () => {
    const keys = store();
    expect(keys.list()).toEqual([]);
    expect(keys.set('mine', '  sk-123\n')).toEqual({ name: 'mine', place: 'file', where: path() });
    keys.set('other', 'sk-456');
    expect(store().get('mine')).toBe('sk-123');
    expect(JSON.stringify(store().list())).not.toContain('sk-');
    expect(
      store()
        .list()
        .map(({ name }) => name),
    ).toEqual(['mine', 'other']);
    if (process.platform !== 'win32') {
      expect(statSync(path()).mode & 0o777).toBe(0o600);
      expect(statSync(folder()).mode & 0o777).toBe(0o700);
    }
    store().remove('mine');
    expect(store().get('mine')).toBeUndefined();
    expect(readdirSync(folder())).toEqual(['keys.json']);
  });

  it('narrows the rights of a file that had wider ones', () => {
    store().set('mine', 'sk-123');
    chmodSync(path(), 0o644);
    store().set('other', 'sk-456');
    if (process.platform !== 'win32') expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  it('prefers the environment, and lists it without the value', () => {
    store().set('open-router', 'sk-file');
    const keys = store({
      ESPALIER_KEY_OPEN_ROUTER: ' sk-env ',
      ESPALIER_KEY_LAB: 'sk-lab',
      ESPALIER_KEY_NONE: '',
    });
    expect(keys.get('open-router')).toBe('sk-env');
    expect(keys.get('lab')).toBe('sk-lab');
    expect(keys.list()).toEqual([
      { name: 'lab', place: 'environment', where: 'ESPALIER_KEY_LAB' },
      { name: 'open-router', place: 'environment', where: 'ESPALIER_KEY_OPEN_ROUTER' },
    ]);
    expect(() => keys.remove('lab')).toThrow(/environment variable ESPALIER_KEY_LAB/);
  });

  it('encrypts where the system can, and says what to do outside', () => {
    const keys = store({}, reversing);
    expect(keys.set('mine', 'sk-123').place).toBe('protected');
    expect(readFileSync(path(), 'utf8')).not.toContain('sk-123');
    expect(keys.get('mine')).toBe('sk-123');
    expect(() => store().get('mine')).toThrow(/kept by the system for the window/);
    const broken = {
      ...reversing,
      decrypt: () => {
        throw new Error('locked: sk-123');
      },
    };
    expect(() => store({}, broken).get('mine')).toThrow(/cannot be read now/);
  });

  it('refuses what is no name or no key, without showing it', () => {
    expect(() => store().set('../x', 'sk-123')).toThrow(/cannot be called/);
    for (const key of ['', '  ', 'two words', 'line\nbreak', 'ключ'])
      expect(() => store().set('mine', key)).toThrow('This is no key');
    expect(existsSync(path())).toBe(false);
    expect(() => store().remove('nobody')).toThrow(/no key "nobody"/);
    expect(store().get('__proto__')).toBeUndefined();
  });

  it('does not overwrite or show a file that it cannot read', () => {
    store().set('mine', 'sk-123');
    writeFileSync(path(), '{"version":1,"keys":{"mine": "sk-999');
    expect(() => store().set('other', 'sk-456')).toThrow(/cannot be read/);
    try {
      store().get('mine');
    } catch (error) {
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('sk-999');
    }
    expect(readFileSync(path(), 'utf8')).toContain('sk-999');
  });
});
