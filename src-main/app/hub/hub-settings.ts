/**
 * Which Hub is asked, where its cache lies and with which token, by the environment variables that all tools of
 * Hugging Face share. Source: huggingface_hub, environment variables of its documentation.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { userError } from '../../contract/errors.ts';

export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** Folder with one folder for each repository. */
  readonly cache: string;
  readonly token: string | null;
  /** HF_HUB_OFFLINE: the user forbids every request. */
  readonly offline: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

function firstOf(environment: Environment, ...names: string[]): string | undefined {
  return names.map((name) => environment[name]?.trim()).find((value) => value !== undefined && value !== '');
}

/** Where the Hugging Face cache lies. An absolute path; the folder need not exist. */
export function hubCache(environment: Environment, home: string = homedir()): string {
  const expand = (path: string): string =>
    resolve(path === '~' || /^~[\\/]/.test(path) ? join(home, path.slice(1)) : path);
  const cache = firstOf(environment, 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE');
  return cache === undefined ? join(hubHome(environment, expand, home), 'hub') : expand(cache);
}

function hubHome(environment: Environment, expand: (path: string) => string, home: string): string {
  const chosen = firstOf(environment, 'HF_HOME');
  if (chosen !== undefined) return expand(chosen);
  const general = firstOf(environment, 'XDG_CACHE_HOME');
  return join(general === undefined ? join(home, '.cache') : expand(general), 'huggingface');
}

/**
 * The settings as the environment and the token file say them now.
 * @throws EspalierError `hub-endpoint` where HF_ENDPOINT is no address
 */
export function hubSettings(environment: Environment, home: string = homedir()): HubSettings {
  const endpoint = (firstOf(environment, 'HF_ENDPOINT') ?? 'https://huggingface.co').replace(/\/+$/, '');
  if (!/^https?:\/\/[^\s/]/.test(endpoint) || !URL.canParse(endpoint)) {
    throw userError('hub-endpoint', `HF_ENDPOINT is not an address: ${endpoint}`, {
      where: 'HF_ENDPOINT',
      advice: 'Write it like https://huggingface.co, or leave the variable unset.',
    });
  }
  const expand = (path: string): string => resolve(path.replace(/^~(?=$|[\\/])/, home));
  return {
    endpoint,
    cache: hubCache(environment, home),
    token: readToken(environment, hubHome(environment, expand, home)),
    offline: /^(1|true|yes|on)$/i.test(firstOf(environment, 'HF_HUB_OFFLINE') ?? ''),
  };
}

function readToken(environment: Environment, hubFolder: string): string | null {
  const named = firstOf(environment, 'HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN');
  if (named !== undefined) return named;
  try {
    // The file that `hf auth login` writes.
    const file = firstOf(environment, 'HF_TOKEN_PATH') ?? join(hubFolder, 'token');
    const token = readFileSync(file, 'utf8').trim();
    return token === '' || /\s/.test(token) ? null : token;
  } catch {
    return null;
  }
}
