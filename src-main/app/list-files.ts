/** The contents of a folder for the path picker. */
import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { CallOutput } from '../contract/calls.ts';
import { EspalierError } from '../contract/errors.ts';

/** More entries than this are not shown: a list of files is for picking by eye. */
const mostEntries = 5_000;

/**
 * Folders and files of a folder, folders first, by name; the home folder when none is named. For a file, its folder.
 * @throws EspalierError `folder-unreadable`
 */
export async function listFiles(path: string | undefined): Promise<CallOutput<'files.list'>> {
  const wanted = resolve(path === undefined || path === '' ? homedir() : path);
  try {
    const folder = (await stat(wanted)).isDirectory() ? wanted : dirname(wanted);
    const names = (await readdir(folder)).sort((a, b) => a.localeCompare(b)).slice(0, mostEntries);
    const entries = await Promise.all(
      names.map(async (name) => {
        const full = join(folder, name);
        // A link that leads nowhere, or a file that vanished meanwhile, is left out.
        const status = await stat(full).catch(() => null);
        if (status === null) return null;
        const directory = status.isDirectory();
        return { name, path: full, directory, size: directory ? null : status.size };
      }),
    );
    const found = entries.filter((entry) => entry !== null);
    const parent = dirname(folder);
    return {
      path: folder,
      parent: parent === folder ? null : parent,
      entries: [...found.filter((entry) => entry.directory), ...found.filter((entry) => !entry.directory)],
    };
  } catch (cause) {
    const reason =
      cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
        ? 'it does not exist'
        : cause instanceof Error
          ? cause.message
          : String(cause);
    throw new EspalierError('user', 'folder-unreadable', `The folder cannot be listed: ${reason}.`, {
      where: wanted,
      cause,
    });
  }
}
