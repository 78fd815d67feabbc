/**
 * The layout of the Hugging Face cache, which all its tools share: contents in `blobs` under their hash, in `snapshots`
 * a folder for each commit whose files are links to them, in `refs` the commit of each branch.
 * Source: huggingface_hub, "Understand caching".
 */
import { randomBytes } from 'node:crypto';
import { copyFile, link, mkdir, rename, rm, stat, statfs, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileSize } from './download-blob.ts';

/** A file of a repository, in the cache named by its hash. */
export interface CacheFile {
  readonly path: string;
  readonly size: number;
  readonly blob: string;
}

/** Folder of a repository. */
export function repositoryFolder(cache: string, kind: 'model' | 'dataset', name: string): string {
  return join(cache, [`${kind}s`, ...name.split('/')].join('--'));
}

export function snapshotFolder(repository: string, commit: string): string {
  return join(repository, 'snapshots', commit);
}

export function blobPath(repository: string, { blob }: Pick<CacheFile, 'blob'>): string {
  return join(repository, 'blobs', blob);
}

/** Whether a file of a snapshot is there, whichever program fetched it. */
export async function isCached(repository: string, commit: string, file: CacheFile): Promise<boolean> {
  if ((await fileSize(join(snapshotFolder(repository, commit), file.path))) === file.size) return true;
  return (await fileSize(blobPath(repository, file))) === file.size;
}

/** How a snapshot's file is made of its blob; tests hand in their own. */
export interface Linking {
  readonly symlink: (target: string, path: string) => Promise<void>;
  readonly link: (target: string, path: string) => Promise<void>;
}

export const systemLinking: Linking = { symlink: (target, path) => symlink(target, path, 'file'), link };

/** Puts a blob at `path` (which will be moved to `final`): a relative link as other tools make it, where links are not possible the file itself. */
export async function placeFile(blob: string, path: string, final: string, linking: Linking): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await linking.symlink(relative(dirname(final), blob), path);
  } catch {
    // Windows allows links only to some users; a second name for the same file needs no right, a copy no link at all.
    await linking.link(blob, path).catch(() => copyFile(blob, path));
  }
}

/**
 * Makes the snapshot of a commit; its blobs must be there. A new folder appears whole; in one that is there, files that
 * lead nowhere are made anew. Resolves to the folder.
 */
export async function makeSnapshot(
  repository: string,
  commit: string,
  files: readonly CacheFile[],
  linking: Linking = systemLinking,
): Promise<string> {
  const folder = snapshotFolder(repository, commit);
  const beside = join(repository, 'snapshots', `.${commit}.${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(beside, { recursive: true });
    const missing: CacheFile[] = [];
    for (const file of files) {
      if ((await fileSize(join(folder, file.path))) !== file.size) missing.push(file);
    }
    for (const file of missing) {
      await placeFile(blobPath(repository, file), join(beside, file.path), join(folder, file.path), linking);
    }
    const there = await stat(folder).catch(() => null);
    if (there === null && (await tryRename(beside, folder))) return folder;
    for (const { path } of missing) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await rm(join(folder, path), { force: true });
      await rename(join(beside, path), join(folder, path));
    }
    return folder;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

/** Whether it worked; not where another process made the folder meanwhile. */
async function tryRename(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    () => false,
  );
}

/** Notes the commit of a branch or tag. A commit has no note. */
export async function writeReference(repository: string, revision: string, commit: string): Promise<void> {
  if (revision === commit) return;
  const file = join(repository, 'refs', ...revision.split('/'));
  const beside = `${file}.${randomBytes(4).toString('hex')}`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(beside, commit);
  await rename(beside, file);
}

/** Bytes that a user may still write to the disk of a folder, which need not exist yet. */
export async function freeBytes(folder: string): Promise<number> {
  for (let path = folder; ; path = dirname(path)) {
    const status = await statfs(path).catch(() => null);
    if (status !== null) return status.bavail * status.bsize;
    if (dirname(path) === path) return 0;
  }
}
