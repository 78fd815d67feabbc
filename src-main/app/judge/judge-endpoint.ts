/** The address of a judge: what is asked of it, and how it is called in messages. */
import { userError } from '../../contract/errors.ts';

/**
 * The address below which the interface lies, without a slash at its end; the address of its chat call is understood too.
 * @throws user error `judge-endpoint` where the address holds a password, a key or anything else behind its path
 */
export function baseAddress(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw userError('judge-endpoint', 'The address of the judge must end with its path.', {
      where: 'endpoint',
      advice:
        'Take user name, password and everything behind ? or # out of the address. A key is kept under a name, outside the experiment: see "key".',
    });
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '').replace(/\/chat\/completions$/, '');
}

/** Whether what is sent can be read on the way: not encrypted, and to another computer. */
export function isOpenToOthers(endpoint: string): boolean {
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'http:' && !isThisComputer(hostname);
}

/** Whether the judge runs on this computer, so that nothing leaves it. */
export function isThisComputer(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
