/** The folders of a host: what it keeps, and what ships with the application. */
import { join } from 'node:path';

export interface HostPaths {
  readonly dataDirectory: string;
  /** `resources/` of the installation. */
  readonly resourcesDirectory: string;
}

export function databasePath(paths: HostPaths): string {
  return join(paths.dataDirectory, 'espalier.db');
}

/** Folder of one run: its checkpoints lie below it. */
export function runDirectory(paths: HostPaths, runId: string): string {
  return join(paths.dataDirectory, 'runs', runId);
}

/** Models that ship with the application, each a folder. */
export function builtinModelsDirectory(paths: HostPaths): string {
  return join(paths.resourcesDirectory, 'models');
}

/** Example experiments that ship with the application. */
export function examplesDirectory(paths: HostPaths): string {
  return join(paths.resourcesDirectory, 'experiments');
}

/** Rubrics for judges that ship with the application. */
export function rubricsDirectory(paths: Pick<HostPaths, 'resourcesDirectory'>): string {
  return join(paths.resourcesDirectory, 'rubrics');
}

/** Decision processes that ship with the laboratory. */
export function laboratoryDirectory(paths: Pick<HostPaths, 'resourcesDirectory'>): string {
  return join(paths.resourcesDirectory, 'laboratory');
}
