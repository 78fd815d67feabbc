/**
 * Where the window is: page, identity and filters, all in the fragment of the address, so that back,
 * forward and links work the same in Electron and in a browser, and the server sees none of it.
 */
import { href, parseRoute, type Page, type Query, type Route } from './route.ts';

class Router {
  route = $state.raw<Route>(parseRoute(window.location.hash));

  constructor() {
    const read = (): void => {
      this.route = parseRoute(window.location.hash);
    };
    window.addEventListener('popstate', read);
    window.addEventListener('hashchange', read);
  }

  /** Goes to a place; a new entry in the history. */
  go(page: Page, id = '', query: Query = {}): void {
    this.goTo(href(page, id, query));
  }

  /** Goes to an address made by `href`. */
  goTo(address: string): void {
    window.history.pushState(null, '', address);
    this.route = parseRoute(address);
  }

  /**
   * Changes some values of the query of this place. Typing in a search box replaces the entry of the
   * history; choosing something adds one, so that back undoes it.
   */
  setQuery(changes: Query, entry: 'push' | 'replace' = 'replace'): void {
    const address = href(this.route.page, this.route.id, { ...this.route.query, ...changes });
    if (entry === 'push') window.history.pushState(null, '', address);
    else window.history.replaceState(null, '', address);
    this.route = parseRoute(address);
  }
}

export const router = new Router();
