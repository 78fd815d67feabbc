/** Questions to the Hub about one repository, through its own library; every answer is checked before it is believed. */
import { datasetInfo, listFiles, modelInfo } from '@huggingface/hub';
import { z } from 'zod';
import { EspalierError } from '../../contract/errors.ts';
import type { HubRequest } from '../../contract/hub.ts';
import { cardConfigSchema, type CardConfig } from './card-configs.ts';
import type { CacheFile } from './hub-cache.ts';
import { unreadableAnswer, type Asked } from './hub-errors.ts';
import { hubRequests, type NetworkWorld } from './hub-fetch.ts';
import type { HubSettings } from './hub-settings.ts';

/** A file as the Hub lists it, with what its content must hash to. */
export interface HubFile extends CacheFile {
  readonly hash: { readonly kind: 'sha256' | 'git'; readonly value: string };
}

export interface RepositoryFacts {
  readonly commit: string;
  readonly private: boolean;
  readonly gated: boolean;
  readonly licence: string | null;
  /** What the card of a dataset says of its configurations; empty where it says nothing. */
  readonly configs: readonly CardConfig[];
}

export interface HubClient {
  readonly asked: Asked;
  facts(revision: string): Promise<RepositoryFacts>;
  files(commit: string): Promise<HubFile[]>;
  /** The bytes of a file from `offset` on. */
  open(commit: string, path: string, offset: number): Promise<Response>;
  /** A small file as text. */
  text(commit: string, path: string): Promise<string>;
}

const factsSchema = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  private: z.boolean().nullish(),
  gated: z.union([z.boolean(), z.string()]).nullish(),
  cardData: z
    .object({
      license: z
        .union([z.string(), z.array(z.string())])
        .nullish()
        .catch(null),
      configs: z.array(cardConfigSchema).nullish().catch(null),
    })
    .nullish()
    .catch(null),
});
const entrySchema = z.object({
  type: z.string(),
  path: z.string(),
  size: z.int().min(0).default(0),
  oid: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .optional(),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().min(0) }).nullish(),
});

/** Repositories with more files than this are not for a workstation. */
const mostFiles = 200_000;
const longestText = 4 * 1024 * 1024;

/** Opens a line to one repository. Nothing is asked until a function is called. */
export function openHub(
  request: HubRequest,
  settings: HubSettings,
  world: NetworkWorld,
  options: { readonly signal: AbortSignal; readonly onWait: (detail: string) => void },
): HubClient {
  const { kind, name } = request;
  const { endpoint, token } = settings;
  const asked: Asked = { kind, name, revision: request.revision, endpoint, hasToken: token !== null };
  const { signal } = options;
  const { request: send } = hubRequests(asked, token, world, options.onWait);
  const hubFetch: typeof fetch = (input, init) =>
    send(input instanceof Request ? input.url : String(input), {
      headers: Object.fromEntries(new Headers(init?.headers).entries()),
      signal,
      whole: true,
    });
  /** What the library throws at answers that it cannot read. */
  const understood = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof EspalierError ? error : unreadableAnswer(asked, error);
    }
  };
  const open = (commit: string, path: string, offset: number, whole = false): Promise<Response> => {
    const folder = kind === 'dataset' ? 'datasets/' : '';
    const file = path.split('/').map(encodeURIComponent).join('/');
    return send(`${endpoint}/${folder}${name}/resolve/${commit}/${file}`, {
      // Packed answers could not be gone on with in the middle.
      headers: { 'accept-encoding': 'identity', ...(offset > 0 ? { range: `bytes=${offset}-` } : {}) },
      signal,
      whole,
    });
  };
  return {
    asked,
    async facts(revision) {
      const parameters = { name, revision, hubUrl: endpoint, fetch: hubFetch };
      const answer: unknown = await understood(
        kind === 'model'
          ? modelInfo({ ...parameters, additionalFields: ['sha', 'cardData'] })
          : datasetInfo({ ...parameters, additionalFields: ['sha', 'cardData'] }),
      );
      const facts = factsSchema.safeParse(answer);
      if (!facts.success) throw unreadableAnswer(asked, facts.error);
      const { sha, gated, cardData } = facts.data;
      const licence = cardData?.license ?? null;
      return {
        commit: sha,
        private: facts.data.private ?? false,
        gated: gated !== undefined && gated !== null && gated !== false,
        licence: Array.isArray(licence) ? licence.join(', ') : licence,
        configs: cardData?.configs ?? [],
      };
    },
    async files(commit) {
      const collect = async (): Promise<HubFile[]> => {
        const files: HubFile[] = [];
        const entries = listFiles({
          repo: { type: kind, name },
          recursive: true,
          revision: commit,
          hubUrl: endpoint,
          fetch: hubFetch,
        });
        for await (const entry of entries) {
          const { type, path, size, oid, lfs } = entrySchema.parse(entry);
          if (type !== 'file') continue;
          if (lfs)
            files.push({ path, size: lfs.size, blob: lfs.oid, hash: { kind: 'sha256', value: lfs.oid } });
          else if (oid !== undefined)
            files.push({ path, size, blob: oid, hash: { kind: 'git', value: oid } });
          if (files.length > mostFiles) throw new Error('the repository has too many files');
        }
        return files;
      };
      return understood(collect());
    },
    open: (commit, path, offset) => open(commit, path, offset),
    async text(commit, path) {
      const response = await open(commit, path, 0, true);
      const text = await understood(response.text());
      if (text.length > longestText) throw unreadableAnswer(asked, new Error(`${path} is too long`));
      return text;
    },
  };
}
