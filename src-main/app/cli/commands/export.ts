/** `espalier export`: a trained model as a folder that other programs read. */
import {
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { EspalierError, userError } from '../../../contract/errors.ts';
import { openCheckpoint } from '../../../models/open-checkpoint.ts';
import { defineCommand, exitCodes } from '../command.ts';
import { findModel } from '../model-argument.ts';
import { formatBytes, formatNumber } from '../table.ts';

function listFiles(folder: string): { name: string; bytes: number }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return { name: path.relative(folder, file).split(path.sep).join('/'), bytes: statSync(file).size };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Copies a folder so that the target is there whole or not at all: into a folder beside it, then by renaming. Links in
 * the source (caches keep weights as links) become files.
 * @throws EspalierError `target-exists`, `target-inside`, `copy-failed`
 */
export function copyFolder(source: string, target: string, force: boolean): void {
  if (existsSync(target)) {
    const empty = statSync(target).isDirectory() && readdirSync(target).length === 0;
    if (!force && !empty) {
      throw userError('target-exists', 'There is something at the target already.', {
        where: target,
        advice: 'Name another folder, or replace what is there with --force.',
      });
    }
  }
  const from = realpathSync(source);
  mkdirSync(path.dirname(target), { recursive: true });
  const to = path.join(realpathSync(path.dirname(target)), path.basename(target));
  if (to === from || to.startsWith(from + path.sep) || from.startsWith(to + path.sep)) {
    throw userError('target-inside', 'The target and the model lie in one another.', {
      where: target,
      advice: 'Name a folder elsewhere.',
    });
  }
  const beside = path.join(path.dirname(to), `.${path.basename(to)}.${process.pid}.new`);
  const old = path.join(path.dirname(to), `.${path.basename(to)}.${process.pid}.old`);
  try {
    cpSync(from, beside, { recursive: true, dereference: true, mode: constants.COPYFILE_FICLONE });
    if (existsSync(to)) renameSync(to, old);
    renameSync(beside, to);
  } catch (error) {
    if (existsSync(old) && !existsSync(to)) renameSync(old, to);
    throw new EspalierError(
      'environment',
      'copy-failed',
      `The folder could not be written: ${error instanceof Error ? error.message : String(error)}`,
      {
        where: target,
        advice: 'Check the free space and the right to write there. What was there before is unchanged.',
        cause: error,
      },
    );
  } finally {
    rmSync(beside, { recursive: true, force: true });
    if (existsSync(to)) rmSync(old, { recursive: true, force: true });
  }
}

export const exportCommand = defineCommand({
  name: 'export',
  summary: 'a trained model as a folder for other programs',
  about: [
    'Writes the best checkpoint of a run (or a model folder) as a Hugging Face folder: config.json, model.safetensors, tokenizer. The folder appears whole or not at all.',
  ],
  positionals: [{ name: 'RUN|MODEL', help: 'a run, a checkpoint folder, or builtin:NAME' }],
  options: {
    to: { type: 'string', value: 'FORMAT', help: 'The format.', choices: ['hf'], fallback: 'hf' },
    out: { type: 'string', value: 'DIR', help: 'The folder to write.' },
    checkpoint: {
      type: 'string',
      value: 'ROLE',
      help: 'Which checkpoint of a run.',
      choices: ['best', 'last'],
      fallback: 'best',
    },
    force: { type: 'boolean', help: 'Replace what is at the target.' },
  },
  examples: [
    {
      line: 'espalier export last --to hf --out ./my-model',
      meaning: 'the best checkpoint of the newest run',
    },
  ],
  run: async (context, { out, checkpoint: role, force }, [name = '']) => {
    if (out === undefined) {
      throw userError('usage', 'Where to? --out DIR is missing.', {
        where: 'espalier export',
        advice: 'For example: --out ./my-model',
      });
    }
    const model = await findModel(context, name, role === 'last' ? 'last' : 'best');
    // Reads the configuration and the headers of all weights: a broken folder is not passed on.
    await openCheckpoint(model.folder);
    const target = path.resolve(context.workingDirectory, out);
    copyFolder(model.folder, target, force);
    const files = listFiles(target);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    const { checkpoint } = model;
    const { output } = context;
    output.value({
      format: 'hf',
      path: target,
      source: model.folder,
      run: model.run,
      step: checkpoint?.step ?? null,
      role: checkpoint?.role ?? null,
      score: checkpoint?.score ?? null,
      bytes,
      files: files.map((file) => file.name),
    });
    const from =
      checkpoint === null
        ? ''
        : ` (${checkpoint.role} checkpoint, step ${formatNumber(checkpoint.step)}, held-out ${formatNumber(checkpoint.score)})`;
    output.text(`Written to ${target}: ${files.length} files, ${formatBytes(bytes)}${from}.`);
    return exitCodes.done;
  },
});
