#!/usr/bin/env node
// Starts the command line with a Node that runs TypeScript directly. An older Node hands over to the
// Node 24 that the platform package brings. Plain JavaScript without new syntax, so that an old Node can
// at least read it and say what to do. Holds nothing else of the command line.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const oldestMajor = 24;
const main = path.join(path.dirname(fileURLToPath(import.meta.url)), 'main.ts');

// Compiled modules are kept inside the installation, which halves the time to start; child processes do likewise.
const compileCache = path.join(path.dirname(main), '../../../node_modules/.cache/espalier');
if (process.env.NODE_COMPILE_CACHE === undefined) process.env.NODE_COMPILE_CACHE = compileCache;

/** Path of the Node binary that the platform package brings, or undefined where it is not installed. */
function bundledNode() {
  const windows = process.platform === 'win32';
  const system = (windows ? 'win' : process.platform) + '-' + process.arch;
  // The package for Apple's processors has another name than the rest.
  for (const name of ['node-' + system, 'node-bin-' + system]) {
    try {
      const manifest = createRequire(import.meta.url).resolve(name + '/package.json');
      const binary = path.join(path.dirname(manifest), 'bin', windows ? 'node.exe' : 'node');
      if (existsSync(binary)) return binary;
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return undefined;
}

function fail(message) {
  process.stderr.write('espalier: ' + message + '\n');
  process.exitCode = 1;
}

const advice =
  'Install Node ' +
  oldestMajor +
  ' or newer (https://nodejs.org), or run "npm ci" in the folder of Espalier without --omit=optional: it brings its own Node.';

/**
 * Runs the command line in a Node of its own. The child leads its own process group, so that Ctrl+C (which a
 * terminal sends to the whole group) arrives at the launcher alone and is passed on once; on Windows the
 * console reaches both by itself and nothing is passed on. The channel tells the child when its launcher is gone.
 */
function handOver(binary) {
  const windows = process.platform === 'win32';
  const child = spawn(binary, [main].concat(process.argv.slice(2)), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: !windows,
  });
  const signals = windows
    ? ['SIGINT', 'SIGTERM', 'SIGHUP']
    : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGWINCH'];
  const handlers = signals.map((signal) => [
    signal,
    () => {
      if (!(windows && signal === 'SIGINT')) child.kill(signal);
    },
  ]);
  handlers.forEach(([signal, handler]) => process.on(signal, handler));
  child.on('error', (error) => {
    fail(
      'The Node of this installation cannot be started (' +
        error.message +
        ').\nIt may be made for another system than this one. ' +
        advice,
    );
  });
  child.on('exit', (code, signal) => {
    handlers.forEach(([name, handler]) => process.removeListener(name, handler));
    if (signal === null) process.exitCode = code === null ? 1 : code;
    else process.kill(process.pid, signal);
  });
}

if (Number(process.versions.node.split('.')[0]) >= oldestMajor) {
  if (module.enableCompileCache !== undefined) module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  import(pathToFileURL(main).href).catch((error) => {
    process.stderr.write(String((error && error.stack) || error) + '\n');
    process.exitCode = 1;
  });
} else {
  const binary = bundledNode();
  if (binary === undefined) {
    fail(
      'This is Node ' +
        process.versions.node +
        '; Espalier needs Node ' +
        oldestMajor +
        ', and the package that would bring it is not installed here.\n' +
        advice,
    );
  } else {
    handOver(binary);
  }
}
