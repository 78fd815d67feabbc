/** What the Hub's refusals mean, and what to do about them. */
import { EspalierError, userError } from '../../contract/errors.ts';

/** What was asked for, for messages. */
export interface Asked {
  readonly kind: 'model' | 'dataset';
  readonly name: string;
  readonly revision: string;
  readonly endpoint: string;
  readonly hasToken: boolean;
}

/** The page of a repository. */
export function repositoryPage({ endpoint, kind, name }: Asked): string {
  return `${endpoint}/${kind === 'dataset' ? 'datasets/' : ''}${name}`;
}

const setToken =
  'Make an access token in the settings of your account there and set it as HF_TOKEN (or run "hf auth login").';

/** The error for a response that is no success. */
export function refusedBy(response: Response, asked: Asked): EspalierError {
  const code = response.headers.get('x-error-code') ?? '';
  const said = response.headers.get('x-error-message') ?? '';
  const page = repositoryPage(asked);
  const thing = asked.kind;
  const { status } = response;
  if (code === 'GatedRepo' || (status === 403 && /gated|restricted|awaiting/i.test(said))) {
    return userError(
      'hub-gated',
      `The ${thing} ${asked.name} is gated: its owner gives it only to people who agreed to its terms.`,
      {
        where: page,
        advice: asked.hasToken
          ? 'Open this page, agree to the terms with the account of your token (it may have to be approved), then fetch again.'
          : `Open this page, agree to the terms, then: ${setToken}`,
      },
    );
  }
  if (code === 'RevisionNotFound') {
    return userError('hub-revision', `The ${thing} ${asked.name} has no revision "${asked.revision}".`, {
      where: page,
      advice: 'Name a branch, a tag or a commit that its page lists; "main" is the newest.',
    });
  }
  if (status === 401 && asked.hasToken && code !== 'RepoNotFound') {
    return userError('hub-token', 'The Hub refuses the access token.', {
      where: asked.endpoint,
      advice: `It may have expired or been revoked. ${setToken}`,
    });
  }
  if (code === 'EntryNotFound') {
    return userError('hub-file-missing', `The ${thing} ${asked.name} lacks a file that it lists.`, {
      where: response.url,
      advice: 'It was changed a moment ago: fetch again.',
    });
  }
  // To strangers a private repository looks like one that does not exist.
  if (status === 401 || status === 404) {
    return userError('hub-not-found', `There is no ${thing} "${asked.name}" on the Hub, or it is private.`, {
      where: page,
      advice: asked.hasToken
        ? `Check the spelling, and whether it is a ${thing}; if it is private, the token needs the right to read it.`
        : `Check the spelling, and whether it is a ${thing}. If it is private: ${setToken}`,
    });
  }
  if (status === 403) {
    return userError('hub-forbidden', `The Hub does not allow this account to read ${asked.name}.`, {
      where: page,
      advice: 'Give the token the right to read this repository (fine-grained tokens list them one by one).',
    });
  }
  if (status === 451) {
    return userError('hub-unavailable', `The ${thing} ${asked.name} is not available for legal reasons.`, {
      where: page,
    });
  }
  if (status === 429) {
    return new EspalierError(
      'environment',
      'hub-rate-limited',
      'The Hub answers no more requests for now: too many came.',
      {
        where: asked.endpoint,
        advice: asked.hasToken
          ? 'Wait some minutes and fetch again; what was fetched is kept.'
          : `Wait some minutes and fetch again; what was fetched is kept. With an account the limit is higher: ${setToken}`,
      },
    );
  }
  if (status >= 500) {
    return new EspalierError('environment', 'hub-down', `The Hub cannot answer now (status ${status}).`, {
      where: asked.endpoint,
      advice: 'Try again later; what was fetched is kept.',
    });
  }
  return new EspalierError(
    'environment',
    'hub-answer',
    `The Hub gave an answer that is not understood (status ${status}).`,
    {
      where: response.url === '' ? page : response.url,
      advice: 'Check HF_ENDPOINT, and whether a proxy or a login page stands between.',
    },
  );
}

/** The error for an answer that does not have the form it must have. */
export function unreadableAnswer(asked: Asked, cause: unknown): EspalierError {
  return new EspalierError('environment', 'hub-answer', 'The Hub gave an answer that is not understood.', {
    where: asked.endpoint,
    advice: 'Check HF_ENDPOINT, and whether a proxy or a login page stands between.',
    cause,
  });
}

/** The error for a connection that could not be made or was lost too often. */
export function unreachable(asked: Pick<Asked, 'endpoint'>, cause: unknown): EspalierError {
  return new EspalierError('environment', 'hub-unreachable', `The Hub cannot be reached: ${reason(cause)}.`, {
    where: asked.endpoint,
    advice:
      'Check the connection to the internet and HF_ENDPOINT; what was fetched is kept, and fetching again goes on from there.',
    cause,
  });
}

/** What lies behind "fetch failed". */
function reason(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(inner instanceof Error)) return String(inner);
  const code = 'code' in inner ? String(inner.code) : '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its address is not known here (no network?)';
  if (code === 'ECONNREFUSED') return 'the connection was refused';
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET') return 'the connection was cut';
  return inner.message.replace(/\.$/, '');
}
