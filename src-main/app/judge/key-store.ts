/**
 * Keys for judges, by name. They are kept apart from database, experiments and logs: in an environment variable, in a file
 * encrypted by the system's safe storage where the window offers that, else in a file that this user alone may read.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { EspalierError, userError } from '../../contract/errors.ts';
import { keyNameSchema, type KeyCard } from '../../contract/judge.ts';
import { keyVariable } from './judge-session.ts';

/** Encrypts with a secret that the system keeps for this user. */
export interface SafeStorage {
  encrypt(text: string): Uint8Array;
  /** @throws Error where the system does not give the secret */
  decrypt(bytes: Uint8Array): string;
}

export interface KeyStore {
  /** Names and places, never the keys. */
  list(): KeyCard[];
  /** The key of a name; an environment variable comes before a file. */
  get(name: string): string | undefined;
  /** @throws user error `key-name`, `key-form`; environment error `keys-unwritable` */
  set(name: string, key: string): KeyCard;
  /** @throws user error `key-unknown`, `key-environment` */
  remove(name: string): void;
}

export interface KeyStoreOptions {
  /** Folder of the file; made where it does not exist. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly safeStorage?: SafeStorage;
}

const variablePrefix = 'ESPALIER_KEY_';
const fileSchema = z.strictObject({
  version: z.literal(1),
  /** `protected`: base64 of what safe storage made; `key`: the key as it is. */
  keys: z.record(
    z.string(),
    z.union([z.strictObject({ protected: z.string() }), z.strictObject({ key: z.string() })]),
  ),
});
type KeyFile = z.infer<typeof fileSchema>;

export function createKeyStore({ directory, environment, safeStorage }: KeyStoreOptions): KeyStore {
  const path = join(directory, 'keys.json');
  const fromEnvironment = (name: string): string | undefined =>
    environment[keyVariable(name)]?.trim() || undefined;
  return {
    list() {
      const cards = Object.entries(readKeys(path)).map(([name, entry]): KeyCard => {
        const variable = fromEnvironment(name) === undefined ? null : keyVariable(name);
        return variable === null
          ? { name, place: 'protected' in entry ? 'protected' : 'file', where: path }
          : { name, place: 'environment', where: variable };
      });
      for (const [variable, value] of Object.entries(environment)) {
        if (!variable.startsWith(variablePrefix) || (value ?? '').trim() === '') continue;
        if (cards.some(({ name }) => keyVariable(name) === variable)) continue;
        const name = variable.slice(variablePrefix.length).toLowerCase();
        cards.push({ name, place: 'environment', where: variable });
      }
      return cards.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    get(name) {
      const given = fromEnvironment(name);
      if (given !== undefined) return given;
      const keys = readKeys(path);
      const entry = Object.hasOwn(keys, name) ? keys[name] : undefined;
      if (entry === undefined) return undefined;
      return 'key' in entry ? entry.key : unprotect(entry.protected, name, path, safeStorage);
    },
    set(name, key) {
      if (!keyNameSchema.safeParse(name).success) {
        throw userError('key-name', `A key cannot be called ${JSON.stringify(name.slice(0, 80))}.`, {
          advice: 'Use letters, digits, _ and -, beginning with a letter, at most 64.',
        });
      }
      const trimmed = key.trim();
      // What a header cannot carry would fail later, in a message that shows it.
      if (!/^[\x21-\x7e]{1,4096}$/.test(trimmed)) {
        throw userError(
          'key-form',
          'This is no key: it is empty, or has spaces, line breaks or letters that keys do not have.',
          {
            where: `key "${name}"`,
            advice: 'Copy the key alone, on one line.',
          },
        );
      }
      const entry =
        safeStorage === undefined
          ? { key: trimmed }
          : { protected: Buffer.from(safeStorage.encrypt(trimmed)).toString('base64') };
      writeKeys(path, directory, { ...readKeys(path), [name]: entry });
      return { name, place: safeStorage === undefined ? 'file' : 'protected', where: path };
    },
    remove(name) {
      const { [name]: removed, ...others } = readKeys(path);
      if (removed === undefined) {
        if (fromEnvironment(name) !== undefined) {
          throw userError(
            'key-environment',
            `The key "${name}" comes from the environment variable ${keyVariable(name)}.`,
            {
              advice: 'Take the variable out of the environment in which Espalier is started.',
            },
          );
        }
        throw userError('key-unknown', `There is no key "${name}" to remove.`);
      }
      writeKeys(path, directory, others);
    },
  };
}

function unprotect(text: string, name: string, path: string, safeStorage: SafeStorage | undefined): string {
  try {
    if (safeStorage !== undefined) return safeStorage.decrypt(Buffer.from(text, 'base64'));
  } catch {
    // Told below, without what the system says of it.
  }
  throw userError(
    'key-protected',
    `The key "${name}" is kept by the system for the window and cannot be read ${safeStorage === undefined ? 'outside it' : 'now'}.`,
    {
      where: path,
      advice: `Set the environment variable ${keyVariable(name)}, or enter the key again.`,
    },
  );
}

function readKeys(path: string): KeyFile['keys'] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw unreadable(path);
  }
  try {
    return fileSchema.parse(JSON.parse(text)).keys;
  } catch {
    // Not the cause: it could show a part of the file.
    throw unreadable(path);
  }
}

function unreadable(path: string): EspalierError {
  return new EspalierError('environment', 'keys-unreadable', 'The file of keys cannot be read.', {
    where: path,
    advice: 'Check who may read it, or remove it and enter the keys again.',
  });
}

/** All or nothing: a file beside it is written first and takes its place. */
function writeKeys(path: string, directory: string, keys: KeyFile['keys']): void {
  const draft = `${path}.${randomUUID()}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(draft, `${JSON.stringify({ version: 1, keys } satisfies KeyFile, null, 2)}\n`, {
      mode: 0o600,
      flag: 'wx',
    });
    chmodSync(draft, 0o600);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new EspalierError(
      'environment',
      'keys-unwritable',
      `The file of keys cannot be written (${code}).`,
      {
        where: path,
        advice: 'Check that the folder may be written and the disk is not full.',
      },
    );
  }
}
