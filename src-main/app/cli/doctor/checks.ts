/** What `doctor` looks at: this computer, the installation, the data directory. Each check says what to do. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { DoctorCheck } from '../../../contract/cli-output.ts';
import { electronBinary, electronVersion, windowAdvice } from '../electron-binary.ts';
import { hasDisplay } from '../open-browser.ts';
import { runTool } from '../run-tool.ts';
import { formatBytes } from '../table.ts';

export interface Surroundings {
  readonly root: string;
  readonly dataDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Milliseconds for one device; a GPU driver that hangs is given up then. */
const probeLimit = 60_000;
const littleMemory = 2 * 1024 ** 3;
const littleDisk = 2 * 1024 ** 3;

const good = (name: string, found: string): DoctorCheck => ({ name, status: 'good', found, advice: null });
const warning = (name: string, found: string, advice: string): DoctorCheck => ({
  name,
  status: 'warning',
  found,
  advice,
});
const failed = (name: string, found: string, advice: string): DoctorCheck => ({
  name,
  status: 'failed',
  found,
  advice,
});

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function nodeCheck(): DoctorCheck {
  const found = `${process.version} (${process.execPath})`;
  const major = Number(process.versions.node.split('.')[0]);
  return major >= 24
    ? good('Node', found)
    : failed('Node', found, 'Install Node 24 or newer, or run "npm ci", which brings one.');
}

function memoryCheck(): DoctorCheck {
  const total = os.totalmem();
  const free = os.freemem();
  const found = `${formatBytes(total)}, ${formatBytes(free)} free`;
  return free >= littleMemory
    ? good('Memory', found)
    : warning(
        'Memory',
        found,
        'Close other programs before you train larger models; the starter model needs less than 1 GB.',
      );
}

/** The folder itself or the nearest one above that exists. */
function existingFolder(folder: string): string {
  let current = folder;
  while (!existsSync(current) && path.dirname(current) !== current) current = path.dirname(current);
  return current;
}

function diskCheck(dataDirectory: string): DoctorCheck {
  try {
    const { bavail, bsize } = statfsSync(existingFolder(dataDirectory));
    const free = bavail * bsize;
    const found = `${formatBytes(free)} free at ${dataDirectory}`;
    return free >= littleDisk
      ? good('Disk', found)
      : warning(
          'Disk',
          found,
          'Checkpoints need three to four times the size of a model: free some space or name another place with --data.',
        );
  } catch (error) {
    return warning('Disk', messageOf(error), 'The free space could not be read; check it yourself.');
  }
}

function dataDirectoryCheck(dataDirectory: string): DoctorCheck {
  const existed = existsSync(dataDirectory);
  const trial = path.join(dataDirectory, `.writable-${randomUUID()}`);
  const firstMade = existed
    ? undefined
    : path.join(
        existingFolder(dataDirectory),
        path.relative(existingFolder(dataDirectory), dataDirectory).split(path.sep)[0] ?? '',
      );
  try {
    mkdirSync(dataDirectory, { recursive: true });
    writeFileSync(trial, 'x');
    rmSync(trial);
    return good(
      'Data directory',
      `${dataDirectory} (${existed ? 'may be written' : 'will be made when it is needed'})`,
    );
  } catch (error) {
    return failed(
      'Data directory',
      `${dataDirectory}: ${messageOf(error)}`,
      'Give yourself the right to write there, or name another folder with --data or ESPALIER_HOME.',
    );
  } finally {
    if (firstMade !== undefined) rmSync(firstMade, { recursive: true, force: true });
  }
}

async function databaseCheck(): Promise<DoctorCheck> {
  try {
    const { default: Database } = await import('better-sqlite3');
    const database = new Database(':memory:');
    const version = z.string().parse(database.prepare('SELECT sqlite_version()').pluck().get());
    database.close();
    return good('Database', `SQLite ${version}`);
  } catch (error) {
    return failed(
      'Database',
      messageOf(error),
      'Run "npm ci" in the folder of Espalier on this computer; a copy from another system does not work.',
    );
  }
}

const probeSchema = z.object({
  works: z.boolean(),
  problem: z.string().nullable(),
  milliseconds: z.number(),
});

async function probeDevice(
  device: string,
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<z.infer<typeof probeSchema>> {
  const program = path.join(import.meta.dirname, 'probe-device.ts');
  const result = await runTool(process.execPath, [program, device], {
    directory: surroundings.root,
    environment: surroundings.environment,
    limit: probeLimit,
    signal,
  });
  for (const line of result.lastWords.split('\n').reverse()) {
    if (!line.startsWith('{')) continue;
    const parsed = probeSchema.safeParse(JSON.parse(line));
    if (parsed.success) return parsed.data;
  }
  const problem = result.timedOut
    ? `no answer in ${probeLimit / 1000} s`
    : `its process ended (code ${result.code ?? 'none'}) ${result.lastWords.split('\n').at(-1) ?? ''}`;
  return { works: false, problem, milliseconds: 0 };
}

/** Devices that ONNX Runtime may know on this system beside the CPU. */
export function otherDevices(platform: NodeJS.Platform): string[] {
  if (platform === 'win32') return ['webgpu', 'dml'];
  return platform === 'linux' ? ['webgpu', 'cuda'] : ['webgpu'];
}

async function deviceChecks(surroundings: Surroundings, signal: AbortSignal): Promise<DoctorCheck[]> {
  const cpu = await probeDevice('cpu', surroundings, signal);
  const checks = [
    cpu.works
      ? good('ONNX Runtime on the CPU', `a matrix product was right (${cpu.milliseconds.toFixed(1)} ms)`)
      : failed(
          'ONNX Runtime on the CPU',
          cpu.problem ?? '',
          'Run "npm ci" in the folder of Espalier on this computer. Without it nothing can be trained.',
        ),
  ];
  for (const device of otherDevices(process.platform)) {
    const probe = await probeDevice(device, surroundings, signal);
    const name = `ONNX Runtime on ${device}`;
    // One line of what a provider says is enough; the rest repeats where in its source it was.
    const problem =
      (probe.problem ?? '')
        .trim()
        .split('\n')
        .at(-1)
        ?.split(/(?<=false\.) /)
        .at(-1) ?? '';
    checks.push(
      probe.works
        ? good(name, `a matrix product was right (${probe.milliseconds.toFixed(1)} ms)`)
        : warning(name, `not usable: ${problem}`, 'Training runs on the CPU; nothing needs to be done.'),
    );
  }
  return checks;
}

function windowChecks(surroundings: Surroundings): DoctorCheck[] {
  const version = electronVersion(surroundings.root);
  const binary = electronBinary(surroundings.root);
  const display = hasDisplay(process.platform, surroundings.environment);
  return [
    binary === undefined
      ? warning(
          'Window',
          version === undefined
            ? 'the package electron is not installed'
            : `the program of Electron ${version} is not there`,
          `Espalier opens in the browser. For a window of its own: ${windowAdvice}.`,
        )
      : good('Window', `Electron ${version ?? ''} (${binary})`),
    display
      ? good('Display', 'there is one')
      : warning(
          'Display',
          'none found',
          'Use "espalier serve" and open the address that it prints, here or through an SSH tunnel.',
        ),
  ];
}

/** Runs every check, in the order in which they are shown. */
export async function runChecks(surroundings: Surroundings, signal: AbortSignal): Promise<DoctorCheck[]> {
  const cores = os.availableParallelism();
  return [
    nodeCheck(),
    good('System', `${os.type()} ${os.release()} on ${process.arch}`),
    good('Processor', `${cores} cores, ${os.cpus()[0]?.model.trim() ?? 'unknown'}`),
    memoryCheck(),
    diskCheck(surroundings.dataDirectory),
    dataDirectoryCheck(surroundings.dataDirectory),
    await databaseCheck(),
    ...(await deviceChecks(surroundings, signal)),
    ...windowChecks(surroundings),
  ];
}
