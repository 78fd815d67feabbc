/** Addresses of the window: reading a fragment such as `#/run/12?tab=log`, and making one. */

/** The pages by the first part of their path. */
export const pages = [
  'home',
  'new',
  'experiments',
  'run',
  'samples',
  'rewards',
  'laboratory',
  'components',
  'missing',
] as const;
export type Page = (typeof pages)[number];

export interface Route {
  readonly page: Page;
  /** Second part of the path: a run, or a kept reward. */
  readonly id: string;
  readonly query: Readonly<Record<string, string>>;
}

export type Query = Record<string, string | number | null | undefined>;

/** Reads a fragment such as `#/run/12?tab=log`. */
export function parseRoute(fragment: string): Route {
  const [path = '', search = ''] = fragment.replace(/^#\/?/, '').split('?', 2);
  const [first = '', second = ''] = path.split('/').map(decode);
  const query = Object.fromEntries(new URLSearchParams(search));
  const page = first === '' ? 'home' : pages.find((name) => name === first && name !== 'missing');
  return { page: page ?? 'missing', id: second, query };
}

/** Badly escaped addresses are shown as they are. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a place. Empty values leave the query. */
export function href(page: Page, id = '', query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(key, String(value));
  }
  const path = page === 'home' ? '' : page + (id === '' ? '' : `/${encodeURIComponent(id)}`);
  const text = search.toString();
  return `#/${path}${text === '' ? '' : `?${text}`}`;
}
