/** What no page in the application may do: leave its address, open windows, ask for rights, reach the network. */
import { app, shell, type Session } from 'electron';
import { isWindowAddress, mayOpenOutside } from './window-address.ts';

/** Applies to every page that is ever made. Call once, before the first window. */
export function restrictContents(developmentUrl: string | undefined): void {
  app.on('web-contents-created', (_event, contents) => {
    const keepHere = (event: { preventDefault(): void; readonly url: string }) => {
      if (!isWindowAddress(event.url, developmentUrl)) event.preventDefault();
    };
    contents.on('will-navigate', keepHere);
    contents.on('will-frame-navigate', keepHere);
    contents.on('will-redirect', keepHere);
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url }) => {
      if (mayOpenOutside(url)) void shell.openExternal(url);
      return { action: 'deny' };
    });
  });
}

/** Denies every permission and every request that does not go to the window's own files. */
export function restrictSession(session: Session, developmentUrl: string | undefined): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.webRequest.onBeforeRequest((details, answer) => {
    const { protocol } = new URL(details.url);
    const own =
      isWindowAddress(details.url, developmentUrl) ||
      protocol === 'devtools:' ||
      protocol === 'blob:' ||
      protocol === 'data:';
    // The developer's server also pushes changed modules over a WebSocket.
    const development = developmentUrl !== undefined && protocol === 'ws:';
    answer({ cancel: !own && !development });
  });
  session.on('will-download', (event, item) => {
    // Charts and tables that the page itself made may be saved; nothing is fetched from elsewhere.
    if (!/^(blob|data):/.test(item.getURL())) event.preventDefault();
  });
}
