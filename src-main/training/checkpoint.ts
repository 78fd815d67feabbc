/**
 * Checkpoint folders of a run, safe against a crash at any moment: a folder is written under a temporary
 * name, flushed to the disk, and renamed; the one before it is removed only afterwards. A folder's name holds
 * its role and step (`checkpoints/last-00000050`), so that nothing ever has to be replaced in place.
 */
import { copyFile, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EspalierError, userError } from '../contract/errors.ts';

export type CheckpointRole = 'best' | 'last';

const folderPattern = /^(best|last)-(\d{8,})$/;
const temporaryPrefix = '.unfinished-';

function folderName(role: CheckpointRole, step: number): string {
  return `${role}-${String(step).padStart(8, '0')}`;
}

function parent(runDirectory: string): string {
  return join(runDirectory, 'checkpoints');
}

/**
 * Writes a checkpoint and then removes older ones of the same role.
 * @param write fills the folder that it is given
 * @returns path of the finished folder
 * @throws environment error `disk-full` where the disk has no room; whatever `write` throws. The older checkpoint then still stands.
 */
export async function writeCheckpoint(
  runDirectory: string,
  role: CheckpointRole,
  step: number,
  write: (directory: string) => Promise<void>,
): Promise<string> {
  const root = parent(runDirectory);
  await mkdir(root, { recursive: true });
  const name = folderName(role, step);
  const temporary = join(root, `${temporaryPrefix}${name}`);
  const final = join(root, name);
  await rm(temporary, { recursive: true, force: true });
  try {
    await mkdir(temporary);
    await write(temporary);
    await syncTree(temporary);
    // A folder of the same role and step holds the same weights; it can only be there after a resumed run came back to it.
    const replaced = join(root, `${temporaryPrefix}replaced-${name}`);
    await rm(replaced, { recursive: true, force: true });
    if (await exists(final)) await rename(final, replaced);
    await rename(temporary, final);
    await syncPath(root);
    await rm(replaced, { recursive: true, force: true });
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw diskError(error, root);
  }
  await removeOthers(root, role, name);
  return final;
}

/**
 * Gives a finished checkpoint a second role without writing it again: files are hard links where the file
 * system has them (finished checkpoints are never changed), else copies.
 */
export function linkCheckpoint(
  runDirectory: string,
  source: string,
  role: CheckpointRole,
  step: number,
): Promise<string> {
  return writeCheckpoint(runDirectory, role, step, (directory) => linkTree(source, directory));
}

/** Newest finished checkpoint of a role (or the one of a step), or null where there is none. */
export async function findCheckpoint(
  runDirectory: string,
  role: CheckpointRole,
  step?: number,
): Promise<string | null> {
  if (step === undefined) return newest(parent(runDirectory), role);
  const path = join(parent(runDirectory), folderName(role, step));
  return (await exists(path)) ? path : null;
}

/**
 * Follows a stored path: the folder itself, or the newest of its role when a crash came between writing a
 * newer checkpoint and recording it.
 * @throws user error `checkpoint-missing`
 */
export async function resolveCheckpoint(path: string): Promise<string> {
  if (await exists(path)) return path;
  const role = folderPattern.exec(basename(path))?.[1];
  const found = role === 'best' || role === 'last' ? await newest(dirname(path), role) : null;
  if (found !== null) return found;
  throw userError('checkpoint-missing', 'There is no checkpoint to continue from.', {
    where: path,
    advice: 'The run was ended before its first checkpoint, or its folder was removed: start it again.',
  });
}

/** Removes what an earlier process left unfinished. */
export async function removeUnfinished(runDirectory: string): Promise<void> {
  const root = parent(runDirectory);
  for (const name of await names(root)) {
    if (!name.startsWith(temporaryPrefix)) continue;
    // A crash between the two renames of a rewrite leaves only the replaced folder: it is put back.
    const replaced = name.startsWith(`${temporaryPrefix}replaced-`)
      ? join(root, name.slice(`${temporaryPrefix}replaced-`.length))
      : null;
    if (replaced !== null && !(await exists(replaced))) await rename(join(root, name), replaced);
    else await rm(join(root, name), { recursive: true, force: true });
  }
}

async function newest(root: string, role: CheckpointRole): Promise<string | null> {
  let best: { step: number; name: string } | null = null;
  for (const name of await names(root)) {
    const match = folderPattern.exec(name);
    if (match?.[1] !== role) continue;
    const step = Number(match[2]);
    if (best === null || step > best.step) best = { step, name };
  }
  return best === null ? null : join(root, best.name);
}

async function removeOthers(root: string, role: CheckpointRole, keep: string): Promise<void> {
  for (const name of await names(root)) {
    if (name !== keep && folderPattern.exec(name)?.[1] === role)
      await rm(join(root, name), { recursive: true, force: true });
  }
}

async function names(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function linkTree(source: string, target: string): Promise<void> {
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (entry.isDirectory()) {
      await mkdir(to);
      await linkTree(from, to);
    } else {
      // Not every file system has hard links (FAT, some network shares).
      await link(from, to).catch(() => copyFile(from, to));
    }
  }
}

/** Flushes every file and folder below a folder, and the folder itself. */
async function syncTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else await syncPath(path);
  }
  await syncPath(directory);
}

async function syncPath(path: string): Promise<void> {
  let handle;
  try {
    handle = await open(path, 'r');
    await handle.sync();
  } catch (error) {
    // Windows refuses to open folders and to flush what was opened for reading; the rename is still atomic there.
    if (!hasCode(error, 'EPERM', 'EISDIR', 'EACCES', 'EINVAL', 'ENOTSUP')) throw error;
  } finally {
    await handle?.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
  );
}

function diskError(error: unknown, where: string): unknown {
  if (!hasCode(error, 'ENOSPC', 'EDQUOT')) return error;
  return new EspalierError(
    'environment',
    'disk-full',
    'The disk is full: the checkpoint could not be written; the one before it is still there.',
    {
      where,
      advice: 'Free some space and continue the run.',
      cause: error,
    },
  );
}
