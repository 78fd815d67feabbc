/**
 * The Electron host: one window over the same services as the local server. Everything that does not need
 * Electron lives elsewhere.
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { app, BrowserWindow, dialog, session } from 'electron';
import { toErrorShape } from '../../contract/errors.ts';
import { configDirectory, dataDirectory } from '../data-directory.ts';
import { createKeyStore } from '../judge/key-store.ts';
import { createServices, type Services } from '../services.ts';
import { bindCalls } from './bind-calls.ts';
import { openWindow } from './open-window.ts';
import { systemSafeStorage } from './system-safe-storage.ts';
import { restrictContents, restrictSession } from './restrict-contents.ts';
import { utilityTrainer } from './utility-trainer.ts';
import { registerWindowScheme, serveWindow } from './window-protocol.ts';

/** Only electron-vite dev sets it; a packaged application must not be told to load foreign pages. */
const developmentUrl = app.isPackaged ? undefined : process.env['ELECTRON_RENDERER_URL'];
const built = import.meta.dirname;
const data = chosenDataDirectory();

registerWindowScheme();
// Chromium's own files stay apart from the database and the runs.
app.setPath('userData', join(data, 'window'));
if (app.requestSingleInstanceLock()) start();
else app.quit();

function start(): void {
  restrictContents(developmentUrl);
  app.on('second-instance', () => {
    const [window] = BrowserWindow.getAllWindows();
    if (window?.isMinimized() === true) window.restore();
    window?.focus();
  });
  app.on('window-all-closed', () => app.quit());
  app.whenReady().then(run, fail);
}

function run(): void {
  let services: Services;
  try {
    services = createServices({
      dataDirectory: data,
      resourcesDirectory: join(app.getAppPath(), 'resources'),
      spawnTrainer: utilityTrainer(join(built, 'trainer.js')),
      version: app.getVersion(),
      window: true,
      keys: createKeyStore({
        directory: configDirectory(process.env),
        environment: process.env,
        ...systemSafeStorage(),
      }),
    });
  } catch (error) {
    fail(error);
    return;
  }
  restrictSession(session.defaultSession, developmentUrl);
  serveWindow(session.defaultSession, join(built, '../renderer'));
  const unbind = bindCalls(services, developmentUrl);
  const open = () => {
    const window = openWindow({ preload: join(built, '../preload/preload.cjs'), developmentUrl });
    window.on('close', (event) => {
      if (!closing) {
        event.preventDefault();
        void askAndQuit(window);
      }
    });
  };
  let closing = false;
  let asking = false;
  const askAndQuit = async (window: BrowserWindow) => {
    if (asking) return;
    asking = true;
    if (await mayClose(services, window)) {
      closing = true;
      app.quit();
    }
    asking = false;
  };
  let closed = false;
  app.on('before-quit', (event) => {
    closing = true;
    if (closed) return;
    event.preventDefault();
    unbind();
    for (const window of BrowserWindow.getAllWindows()) window.hide();
    void services.close().finally(() => {
      closed = true;
      app.quit();
    });
  });
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) open();
  });
  open();
}

/** Asks once when a run is at work. */
async function mayClose(services: Services, window: BrowserWindow): Promise<boolean> {
  const runs = await services.call('runs.list', {}).catch(() => []);
  const active = runs.find((run) => run.status === 'running');
  if (active === undefined) return true;
  const { response } = await dialog.showMessageBox(window, {
    type: 'question',
    message: `"${active.name}" is at step ${active.step} of ${active.steps}.`,
    detail: 'Closing stops it with a checkpoint; it can be resumed from there.',
    buttons: ['Stop and close', 'Keep open'],
    defaultId: 1,
    cancelId: 1,
  });
  return response === 0;
}

/** `--data DIR`, else ESPALIER_HOME, else the system's place. */
function chosenDataDirectory(): string {
  const { values } = parseArgs({
    args: process.argv.slice(1),
    options: { data: { type: 'string' } },
    strict: false,
  });
  return typeof values['data'] === 'string' ? resolve(values['data']) : dataDirectory(process.env);
}

function fail(error: unknown): void {
  const shape = toErrorShape(error);
  const lines = [shape.message, shape.where, shape.advice, shape.details].filter(
    (line) => line !== undefined,
  );
  // Also for the command line that started the window.
  process.stderr.write(`${lines.slice(0, 3).join(' ')}\n`);
  dialog.showErrorBox('Espalier cannot start', lines.join('\n\n'));
  app.exit(1);
}
