/** What the window and the command line show of a model folder, without loading weights or tokenizer. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { z } from 'zod';
import type { modelCardSchema } from '../contract/model-library.ts';
import { parameterCount } from './expected-tensors.ts';
import { loadChatTemplate } from './chat-template.ts';
import { openCheckpoint } from './open-checkpoint.ts';
import { readTextFile } from './read-json.ts';

/** A model as the contract describes it. */
export type ModelCard = z.output<typeof modelCardSchema>;

/** Longest description, in characters. */
const ABOUT_LIMIT = 2000;

/** The first paragraphs of a description in Markdown, without the settings block of the Hub, headings and pictures. */
export function aboutText(markdown: string): string | null {
  const body = markdown
    .replace(/\r\n?/g, '\n')
    .replace(/^\ufeff?---\n[\s\S]*?\n---\n/, '')
    .replace(/<!--[\s\S]*?-->/g, '');
  const paragraphs = body
    .split(/\n\s*\n/)
    .map((paragraph) =>
      paragraph
        .split('\n')
        .filter((line) => !/^\s*(#|!\[|\[!\[|<\/?\w)/.test(line))
        .join('\n')
        // Lines of a paragraph flow together; items of a list stay apart. Marks of emphasis would show as they are.
        .replace(/\n[ \t]*(?=\S)(?![-*+] |\d+[.)] )/g, ' ')
        .replace(/(\*\*|__)(?=\S)(.+?)\1/g, '$2')
        .trim(),
    )
    .filter((paragraph) => paragraph !== '');
  const text = paragraphs.slice(0, 4).join('\n\n');
  if (text === '') return null;
  return text.length > ABOUT_LIMIT ? `${text.slice(0, ABOUT_LIMIT).replace(/[\ud800-\udbff]$/, '')}…` : text;
}

/** What MODEL.md, or else README.md, says of a model; null where neither is there or readable. */
async function readAbout(folder: string): Promise<string | null> {
  for (const name of ['MODEL.md', 'README.md']) {
    // A card is an extra: one that cannot be read is no reason to refuse the model.
    const markdown = await readTextFile(join(folder, name), 4 * 1024 * 1024).catch(() => null);
    if (markdown !== null) return aboutText(markdown);
  }
  return null;
}

/**
 * Describes the model in `folder`; `bytes` is the size of its files. Checks configuration and weights' headers on the
 * way: throws the user errors of `openCheckpoint`, so that a model which has a card can be used.
 */
export async function readModelCard(folder: string): Promise<ModelCard> {
  const { config } = await openCheckpoint(folder);
  const entries = await readdir(folder);
  const sizes = await Promise.all(
    entries.map(async (name) => {
      const status = await stat(join(folder, name)).catch(() => null);
      return status?.isFile() === true ? status.size : 0;
    }),
  );
  return {
    path: folder,
    name: basename(resolve(folder)),
    family: config.architecture,
    parameters: parameterCount(config),
    context: config.maxPositions,
    vocabulary: config.vocabularySize,
    hasChatTemplate: (await loadChatTemplate(folder)) !== null,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    about: await readAbout(folder),
  };
}
