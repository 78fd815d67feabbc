// Electron's program, with a folder that stands for the installation and a download that is not one.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  electronBinary,
  fetchElectron,
  type FetchElectron,
} from '../../../src-main/app/cli/electron-binary.ts';
import type { ToolResult } from '../../../src-main/app/cli/run-tool.ts';
import { runWindow } from '../../../src-main/app/cli/window.ts';

let root: string;
let data: string;
let reports: string[];
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'espalier-electron-'));
  data = path.join(root, 'data');
  reports = [];
  mkdirSync(path.join(root, 'node_modules', 'electron'), { recursive: true });
  writeFileSync(path.join(root, 'node_modules', 'electron', 'package.json'), '{"version":"45.4.1"}');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What install.js does: the program below dist/, its name in path.txt. */
function install(): void {
  const folder = path.join(root, 'node_modules', 'electron');
  mkdirSync(path.join(folder, 'dist'), { recursive: true });
  writeFileSync(path.join(folder, 'dist', 'electron'), '');
  writeFileSync(path.join(folder, 'path.txt'), 'electron');
}

const failure: ToolResult = { code: 1, timedOut: false, lastWords: 'HTTP 403\n    at somewhere' };

function options(more: Partial<FetchElectron> = {}): FetchElectron {
  return {
    root,
    dataDirectory: data,
    environment: {},
    report: (text) => reports.push(text),
    now: () => 5,
    fetch: () => Promise.resolve(),
    runTool: () => Promise.resolve(failure),
    ...more,
  };
}

describe('fetching', () => {
  test('a program that is there needs no download', async () => {
    install();
    const outcome = await fetchElectron(options({ fetch: () => Promise.reject(new Error('asked')) }));
    expect(outcome).toEqual({ binary: electronBinary(root) });
    expect(reports).toEqual([]);
  });

  test('a download brings it', async () => {
    const asked: string[] = [];
    const outcome = await fetchElectron(
      options({
        runTool: (_program, words) => {
          asked.push(...words);
          install();
          return Promise.resolve({ code: 0, timedOut: false, lastWords: '' });
        },
      }),
    );
    expect(outcome.binary).toBe(path.join(root, 'node_modules', 'electron', 'dist', 'electron'));
    expect(asked).toEqual([path.join(root, 'node_modules', 'electron', 'install.js')]);
    expect(reports[0]).toContain('45.4.1');
    expect(existsSync(data)).toBe(false);
  });

  test('a failure is told, remembered, and not tried again for this version', async () => {
    const first = await fetchElectron(options());
    expect(first).toEqual({ binary: undefined, problem: 'the download failed: HTTP 403', remembered: false });
    let tried = false;
    const again = await fetchElectron(options({ runTool: () => ((tried = true), Promise.resolve(failure)) }));
    expect(again).toEqual({ binary: undefined, problem: 'the download failed: HTTP 403', remembered: true });
    expect(tried).toBe(false);
    writeFileSync(path.join(root, 'node_modules', 'electron', 'package.json'), '{"version":"46.0.0"}');
    expect(await fetchElectron(options())).toMatchObject({ remembered: false });
  });

  test('a server that does not answer ends it before the download', async () => {
    let tried = false;
    const outcome = await fetchElectron(
      options({
        fetch: () => Promise.reject(new Error('no network')),
        runTool: () => ((tried = true), Promise.resolve(failure)),
      }),
    );
    expect(outcome).toMatchObject({
      binary: undefined,
      problem: expect.stringContaining('did not answer') as string,
    });
    expect(tried).toBe(false);
  });

  test('a mirror or proxy is left to the download itself', async () => {
    const outcome = await fetchElectron(
      options({
        environment: { ELECTRON_MIRROR: 'https://mirror.example/' },
        fetch: () => Promise.reject(new Error('asked')),
      }),
    );
    expect(outcome).toMatchObject({ problem: 'the download failed: HTTP 403' });
  });

  test('the time limit is told; an interrupted attempt is not remembered', async () => {
    const slow = await fetchElectron(
      options({ runTool: () => Promise.resolve({ code: null, timedOut: true, lastWords: '' }) }),
    );
    expect(slow).toMatchObject({ problem: 'the download took more than 3 minutes' });
    rmSync(data, { recursive: true });
    await fetchElectron(options({ signal: AbortSignal.abort() }));
    expect(existsSync(path.join(data, 'electron-download.json'))).toBe(false);
  });

  test('a damaged memory is no reason to fail', async () => {
    mkdirSync(data);
    writeFileSync(path.join(data, 'electron-download.json'), '{ nonsense');
    expect(await fetchElectron(options())).toMatchObject({ remembered: false });
    expect(readFileSync(path.join(data, 'electron-download.json'), 'utf8')).toContain('HTTP 403');
  });
});

describe.skipIf(process.platform === 'win32')('the window', () => {
  function program(text: string): string {
    const file = path.join(root, 'window.sh');
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    return file;
  }
  const window = (binary: string, onOpen: () => void) =>
    runWindow({ binary, root, environment: process.env, signal: new AbortController().signal, onOpen });

  test('that cannot open says why', async () => {
    const outcome = await window(program('echo "error: libnss3.so is missing" >&2; exit 127'), () => {
      throw new Error('it did not open');
    });
    expect(outcome).toEqual({ opened: false, problem: 'error: libnss3.so is missing' });
  });

  test('that its user closes has opened', async () => {
    let opened = 0;
    expect(await window(program('exit 0'), () => (opened += 1))).toEqual({ opened: true, code: 0 });
    expect(opened).toBe(1);
  });

  test('whose program is not there', async () => {
    expect(await window(path.join(root, 'nothing'), () => {})).toMatchObject({ opened: false });
  });
});
