/** Opens an address in the user's browser. Never fails: where there is no browser, the printed address does. */
import { spawn } from 'node:child_process';

/** Program and arguments that open an address on a system. */
export function browserCommand(platform: NodeJS.Platform, url: string): { program: string; words: string[] } {
  if (platform === 'darwin') return { program: 'open', words: [url] };
  // `start` is a word of the shell; its first quoted argument is a title.
  if (platform === 'win32')
    return { program: 'cmd', words: ['/c', 'start', '""', url.replaceAll('&', '^&')] };
  return { program: 'xdg-open', words: [url] };
}

/** Whether this system can show something: a Linux without a display cannot, nor can a remote shell. */
export function hasDisplay(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const set = (name: string): boolean => (environment[name] ?? '') !== '';
  if (platform === 'win32') return true;
  if (platform === 'darwin') return !set('SSH_CONNECTION');
  return set('DISPLAY') || set('WAYLAND_DISPLAY');
}

/** Asks the system to open the address; resolves to whether a program took it. */
export function openBrowser(
  url: string,
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  if (!hasDisplay(platform, environment)) return Promise.resolve(false);
  const { program, words } = browserCommand(platform, url);
  return new Promise((resolve) => {
    const child = spawn(program, words, { stdio: 'ignore', detached: true, windowsVerbatimArguments: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => resolve(true));
    child.unref();
  });
}
