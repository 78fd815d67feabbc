/** Makes the application's window, with nothing of Node in its page. */
import { BrowserWindow } from 'electron';
import { windowUrl } from './window-address.ts';

export interface WindowOptions {
  /** The built preload script. */
  readonly preload: string;
  /** Address of the developer's server; undefined for the built window. */
  readonly developmentUrl: string | undefined;
}

/** Opens the window; it is shown when its page is painted. */
export function openWindow({ preload, developmentUrl }: WindowOptions): BrowserWindow {
  const window = new BrowserWindow({
    width: 1280,
    height: 800,
    minWidth: 640,
    minHeight: 480,
    title: 'Espalier',
    show: false,
    autoHideMenuBar: true,
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
      spellcheck: false,
      navigateOnDragDrop: false,
    },
  });
  window.once('ready-to-show', () => window.show());
  void window.loadURL(developmentUrl ?? windowUrl);
  return window;
}
