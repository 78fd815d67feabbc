// The launcher as an older Node sees it: a copy that believes every Node to be too old, beside a fake installation
// whose "platform package" is the Node that runs the tests.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { launcher, runLauncher } from './run-launcher.ts';

const windows = process.platform === 'win32';
let folder: string;
let copy: string;

/** A stand-in for main.ts: says what it got, then does what its first word asks. */
const program = `
const [what, value]: string[] = process.argv.slice(2);
console.log(JSON.stringify({ words: process.argv.slice(2), version: process.version }));
if (what === 'exit') process.exitCode = Number(value);
if (what === 'die') process.kill(process.pid, value as NodeJS.Signals);
if (what === 'count') {
  let count = 0;
  process.on('SIGINT', () => { count += 1; setTimeout(() => { console.log('signals ' + count); process.exit(130); }, 300); });
  process.on('disconnect', () => { process.exit(7); });
  process.channel?.unref();
  setTimeout(() => {}, 20_000);
  console.log('ready');
}
`;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'espalier-launcher-'));
  const place = path.join(folder, 'src-main', 'app', 'cli');
  mkdirSync(place, { recursive: true });
  copy = path.join(place, 'launcher.mjs');
  const text = readFileSync(launcher, 'utf8');
  const older = text.replace('const oldestMajor = 24;', 'const oldestMajor = 999;');
  expect(older).not.toBe(text);
  writeFileSync(copy, older);
  writeFileSync(path.join(place, 'main.ts'), program);
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function installPlatformPackage(binary: string = process.execPath): void {
  const name = `node-${windows ? 'win' : process.platform}-${process.arch}`;
  const bin = path.join(folder, 'node_modules', name, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(path.join(bin, '..', 'package.json'), JSON.stringify({ name, version: '24.21.0' }));
  if (binary === process.execPath) symlinkSync(binary, path.join(bin, windows ? 'node.exe' : 'node'));
  else writeFileSync(path.join(bin, windows ? 'node.exe' : 'node'), binary, { mode: 0o755 });
}

function started(words: string[]): Promise<{ child: ChildProcess; output: () => string }> {
  const child = spawn(process.execPath, [copy, ...words], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`it ended early: ${text}`)));
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('ready')) resolve({ child, output: () => text });
    });
  });
}

const closed = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('close', (code) => resolve(code)));

describe('handing over to the Node of the platform package', () => {
  test('passes words, output and exit code', async () => {
    installPlatformPackage();
    const result = await runLauncher(['exit', '42', '--x=ä b'], { launcher: copy });
    expect(result.code).toBe(42);
    expect(JSON.parse(result.standard)).toEqual({
      words: ['exit', '42', '--x=ä b'],
      version: process.version,
    });
    expect(result.errors).toBe('');
  });

  test.skipIf(windows)('ends by the same signal', async () => {
    installPlatformPackage();
    const result = await runLauncher(['die', 'SIGTERM'], { launcher: copy });
    expect(result).toMatchObject({ code: null, signal: 'SIGTERM' });
  });

  test.skipIf(windows)('Ctrl+C, which reaches the whole process group, arrives once', async () => {
    installPlatformPackage();
    const { child, output } = await started(['count']);
    const end = closed(child);
    process.kill(-(child.pid ?? 0), 'SIGINT');
    expect(await end).toBe(130);
    expect(output()).toContain('signals 1\n');
  });

  test.skipIf(windows)('a signal to the launcher alone arrives too', async () => {
    installPlatformPackage();
    const { child, output } = await started(['count']);
    const end = closed(child);
    child.kill('SIGINT');
    expect(await end).toBe(130);
    expect(output()).toContain('signals 1\n');
  });

  test.skipIf(windows)('a launcher that is killed does not leave its child behind', async () => {
    installPlatformPackage();
    const { child } = await started(['count']);
    const end = closed(child);
    child.kill('SIGKILL');
    // The pipe closes when the last process that holds it is gone; alone, the child would hold it for 20 seconds.
    await end;
  });

  test('says what to do where the package is missing', async () => {
    const result = await runLauncher(['--help'], { launcher: copy });
    expect(result.code).toBe(1);
    expect(result.standard).toBe('');
    expect(result.errors).toContain(`This is Node ${process.versions.node}`);
    expect(result.errors).toContain('npm ci');
    expect(result.errors).not.toContain('    at ');
  });

  test.skipIf(windows)('says what to do where the package is for another system', async () => {
    installPlatformPackage('#!/nowhere/at/all\n');
    const result = await runLauncher(['--help'], { launcher: copy });
    expect(result.code).toBe(1);
    expect(result.errors).toContain('cannot be started');
    expect(result.errors).toContain('nodejs.org');
  });
});
