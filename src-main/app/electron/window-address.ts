/** The address of the window's page: an own scheme, so that no file:// rights are given, or the developer's server. */

export const windowScheme = 'app';
const windowHost = 'espalier';

/** Where the page of the built window lies. */
export const windowUrl = `${windowScheme}://${windowHost}/`;

/** Whether an address belongs to the window's own page. `developmentUrl`: set by `electron-vite dev` only. */
export function isWindowAddress(address: string, developmentUrl: string | undefined): boolean {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return false;
  }
  if (url.protocol === `${windowScheme}:`) return url.host === windowHost;
  return developmentUrl !== undefined && url.origin === new URL(developmentUrl).origin;
}

/** Pages outside that the window may open in the person's browser. */
const outsideHosts = ['arxiv.org', 'huggingface.co', 'github.com'];

/** Whether a link may be opened in the browser: https, to one of a few known places. */
export function mayOpenOutside(address: string): boolean {
  try {
    const url = new URL(address);
    return (
      url.protocol === 'https:' &&
      url.username === '' &&
      url.port === '' &&
      outsideHosts.includes(url.hostname)
    );
  } catch {
    return false;
  }
}
