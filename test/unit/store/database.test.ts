import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrations } from '../../../src-main/store/migrations.ts';
import { openDatabase, schemaVersion } from '../../../src-main/store/open-database.ts';
import { openStore } from '../../../src-main/store/store.ts';
import { exampleConfig, exampleSample } from '../../fixtures/app/example-sample.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-store-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the database file', () => {
  it('starts at the present version, in WAL mode', () => {
    const connection = openDatabase(join(folder, 'a.db'));
    expect(schemaVersion(connection)).toBe(migrations.length);
    expect(connection.pragma('journal_mode', { simple: true })).toBe('wal');
    connection.close();
  });

  it('refuses a newer one and leaves it untouched', () => {
    const path = join(folder, 'newer.db');
    const raw = new Database(path);
    raw.exec('CREATE TABLE future (x)');
    raw.pragma('user_version = 999');
    raw.close();
    const before = readFileSync(path);
    expect(() => openDatabase(path)).toThrow(/newer version of Espalier/);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('says so when the file is no database, and leaves it', () => {
    const path = join(folder, 'text.db');
    writeFileSync(path, 'this is no database, only text that is long enough to look at'.repeat(50));
    expect(() => openDatabase(path)).toThrow(/cannot be opened/);
    expect(readFileSync(path, 'utf8')).toContain('this is no database');
  });

  it('says so when the folder is missing', () => {
    expect(() => openDatabase(join(folder, 'missing', 'a.db'))).toThrow(/cannot be opened/);
  });

  it('leaves nothing of a migration that fails half-way', () => {
    const path = join(folder, 'half.db');
    const raw = new Database(path);
    // A table of the same name, met after others were made.
    raw.exec('CREATE TABLE samples (x)');
    raw.close();
    expect(() => openDatabase(path)).toThrow(/samples already exists/);
    const again = new Database(path);
    expect(again.pragma('user_version', { simple: true })).toBe(0);
    expect(again.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'runs'").pluck().get()).toBe(0);
    again.close();
  });

  it('reads a missing file as empty without making it, and refuses to write', () => {
    const path = join(folder, 'absent.db');
    const empty = openStore(path, { readOnly: true });
    expect(empty.runs.list(false)).toEqual([]);
    empty.close();
    expect(() => readFileSync(path)).toThrow();
    const store = openStore(path);
    const reader = openStore(path, { readOnly: true });
    store.runs.insert({ id: 'r', experimentId: 'e', name: 'n', config: exampleConfig(), createdAt: 1 });
    expect(reader.runs.list(false).map((run) => run.id)).toEqual(['r']);
    expect(() => reader.runs.update('r', { name: 'x' })).toThrow(/readonly/);
    reader.close();
    store.close();
  });

  it('keeps what was written when it is opened again', () => {
    const path = join(folder, 'again.db');
    const first = openStore(path);
    first.runs.insert({ id: 'r', experimentId: 'e', name: 'n', config: exampleConfig(), createdAt: 1 });
    const [id] = first.transaction(() => first.samples.insert(first.runs.key('r'), 1, [exampleSample()]));
    first.close();
    const second = openStore(path);
    expect(second.samples.get(id ?? 0).text).toBe('the answer is 42');
    expect(second.runs.more('r').config).toEqual(exampleConfig());
    second.close();
  });
});
