/** Where the database and the runs live, and where keys are kept, when nobody says otherwise. */
import { homedir } from 'node:os';
import path from 'node:path';

/**
 * The data directory: ESPALIER_HOME, else the system's place for application data. An absolute path; the folder need
 * not exist yet.
 */
export function dataDirectory(
  environment: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const chosen = environment['ESPALIER_HOME'];
  if (chosen !== undefined && chosen !== '') return path.resolve(chosen);
  if (platform === 'win32') {
    return path.join(environment['LOCALAPPDATA'] ?? path.join(home, 'AppData', 'Local'), 'Espalier');
  }
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'Espalier');
  const shared = environment['XDG_DATA_HOME'];
  const base = shared !== undefined && path.isAbsolute(shared) ? shared : path.join(home, '.local', 'share');
  return path.join(base, 'espalier');
}

/** The folder of what belongs to the user and to no data directory, such as keys: ESPALIER_CONFIG, else the system's place. */
export function configDirectory(
  environment: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const chosen = environment['ESPALIER_CONFIG'];
  if (chosen !== undefined && chosen !== '') return path.resolve(chosen);
  if (platform === 'win32')
    return path.join(environment['APPDATA'] ?? path.join(home, 'AppData', 'Roaming'), 'Espalier');
  if (platform === 'darwin') return path.join(home, 'Library', 'Preferences', 'Espalier');
  const shared = environment['XDG_CONFIG_HOME'];
  return path.join(
    shared !== undefined && path.isAbsolute(shared) ? shared : path.join(home, '.config'),
    'espalier',
  );
}
