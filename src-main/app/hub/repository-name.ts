/** Names of repositories, revisions and files as they come from people and from the network. Pure. */
import { userError } from '../../contract/errors.ts';
import type { HubRequest } from '../../contract/hub.ts';

const part = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$/;

/** A name that the Hub would accept: nothing in it can lead out of a folder. */
function isName(name: string): boolean {
  const parts = name.split('/');
  return parts.length <= 2 && parts.every((each) => part.test(each) && !/--|\.\./.test(each));
}

/**
 * The request with its name as the Hub writes it; a page's address is taken apart.
 * @throws EspalierError `hub-name`, `hub-revision`
 */
export function checkedRequest(request: HubRequest, endpoint: string): HubRequest {
  let { name, revision, kind } = request;
  name = name.trim();
  for (const base of [endpoint, 'https://huggingface.co', 'https://hf.co', 'huggingface.co', 'hf.co']) {
    if (!name.startsWith(`${base}/`)) continue;
    const [path = ''] = name.slice(base.length + 1).split(/[?#]/);
    const parts = path.replace(/\/+$/, '').split('/');
    if (parts[0] === 'datasets') {
      kind = 'dataset';
      parts.shift();
    }
    const tree = parts.findIndex((each) => each === 'tree' || each === 'blob' || each === 'resolve');
    const branch = tree === -1 ? undefined : parts[tree + 1];
    if (branch !== undefined && revision === 'main') revision = decodeURIComponent(branch);
    name = parts.slice(0, tree === -1 ? undefined : tree).join('/');
    break;
  }
  if (!isName(name)) {
    throw userError(
      'hub-name',
      `"${request.name}" is not the name of a repository of the Hugging Face Hub.`,
      {
        advice: 'Names look like owner/name; the page of a model or dataset shows it at the top.',
      },
    );
  }
  if (!/^[\w./-]+$/.test(revision) || revision.split('/').some((each) => each === '' || /^\.+$/.test(each))) {
    throw userError('hub-revision', `"${revision}" is not a branch, tag or commit.`, {
      advice: 'Leave it out for the newest version (main).',
    });
  }
  return { ...request, kind, name, revision };
}

/**
 * Whether a file name of a repository stays inside its folder, on every system: no way up, no drive, no root, no
 * backslash, no character that a file system forbids.
 */
export function isSafeFileName(path: string): boolean {
  if (path === '' || path.length > 1000 || /[\\:*?"<>|]/.test(path)) return false;
  if (/[\u0000-\u001f]/.test(path)) return false;
  return path
    .split('/')
    .every(
      (each) => each !== '' && !/^\.+$/.test(each) && !/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(each),
    );
}
