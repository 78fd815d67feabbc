/**
 * The bench: does each wanted measurement in a process of its own, alternating with the peers where a Python with
 * them is given, and tells the medians of the rounds.
 */
import { trainerNodeOptions } from '../trainer-child.ts';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import type { BenchLine } from '../../contract/cli-output.ts';
import { EspalierError, userError } from '../../contract/errors.ts';
import type { Figure, Job } from './figures.ts';
import { figureValue } from './figures.ts';
import type { MeasurementKind } from './measurements.ts';
import { measuredSchema } from './measurements.ts';
import type { Peer, PeerResult } from './peers.ts';
import { readPeerResult } from './peers.ts';
import type { PresetName } from './presets.ts';
import type { ProcessSurroundings } from './run-process.ts';
import { runProcess } from './run-process.ts';
import { differentWork } from './same-work.ts';
import type { Measured } from './stopwatch.ts';
import { median } from './stopwatch.ts';

export interface BenchOptions {
  /** What to measure: jobs with the figures that are wanted of them. */
  readonly jobs: readonly Job[];
  /** Python with the peers; null: no peers. */
  readonly python: string | null;
  /** Folder of the peers' scripts. */
  readonly peerFolder: string;
  /** How often each program runs; medians are taken over the rounds. */
  readonly rounds: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Ends the bench and what it has started. */
  readonly signal: AbortSignal;
}

/** A finished figure with its peers: one line for each, or one alone. */
export interface FinishedFigure {
  readonly figure: Figure;
  readonly lines: readonly BenchLine[];
  /** Everything that Espalier's measurement gave, medians of the rounds. */
  readonly measured: Measured;
}

export interface BenchListeners {
  /** Before each process: what it is, and the share of all that are done. */
  onProgress(title: string, share: number): void;
  onFigure(finished: FinishedFigure): void;
  /** Something went wrong or was left out. */
  onNote(text: string): void;
}

const measureProgram = path.join(import.meta.dirname, 'measure.ts');

/**
 * Does all measurements.
 * @returns how many of Espalier's own failed, or did other work than the peer
 * @throws EspalierError `peer-python`, `peer-scripts` before anything is measured; of kind cancelled when stopped
 */
export async function runBench(options: BenchOptions, listeners: BenchListeners): Promise<number> {
  const surroundings: ProcessSurroundings = {
    directory: options.workingDirectory,
    // The scripts' folder may not be ours to write to.
    environment: { ...options.environment, PYTHONDONTWRITEBYTECODE: '1' },
    signal: options.signal,
  };
  if (options.python !== null) await checkPython(options.python, options.peerFolder, surroundings);
  const folder = mkdtempSync(path.join(tmpdir(), 'espalier-bench-'));
  try {
    return await new Bench(options, listeners, surroundings, folder).run();
  } finally {
    // A process that was killed may take a moment to let go of its files.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function checkPython(
  python: string,
  peerFolder: string,
  surroundings: ProcessSurroundings,
): Promise<void> {
  if (!existsSync(path.join(peerFolder, 'peer_common.py'))) {
    throw userError('peer-scripts', 'The scripts of the peers are not part of this installation.', {
      where: peerFolder,
      advice: 'Run the bench in a clone of the repository, or without --peer.',
    });
  }
  const result = await runProcess(python, ['-c', 'import sys; print("{}")'], surroundings);
  if (result.ok) return;
  throw userError('peer-python', `The Python of the peers cannot be started: ${result.reason}.`, {
    where: `--peer ${python}`,
    advice: 'Name the python program of an environment with test/peers/requirements.txt installed.',
  });
}

class Bench {
  readonly #options: BenchOptions;
  readonly #listeners: BenchListeners;
  readonly #surroundings: ProcessSurroundings;
  /** Holds the weights of one preset at a time. */
  readonly #folder: string;
  #weights: { readonly preset: PresetName; readonly problem: string | null } | null = null;
  #processes = 0;
  #done = 0;

  constructor(
    options: BenchOptions,
    listeners: BenchListeners,
    surroundings: ProcessSurroundings,
    folder: string,
  ) {
    this.#options = options;
    this.#listeners = listeners;
    this.#surroundings = surroundings;
    this.#folder = folder;
  }

  async run(): Promise<number> {
    const { jobs, rounds } = this.#options;
    this.#processes = jobs.reduce(
      (sum, job) => sum + rounds * (1 + this.#peersOf(job).length + (job.beside ? 1 : 0)),
      0,
    );
    let failures = 0;
    for (const job of jobs) failures += await this.#job(job);
    return failures;
  }

  #peersOf(job: Job): readonly Peer[] {
    return this.#options.python === null ? [] : job.peers;
  }

  /** One measurement in all its rounds; 1 where it failed. */
  async #job(job: Job): Promise<number> {
    const all = this.#peersOf(job);
    const model = all.length === 0 ? null : await this.#inputFolder(job, all);
    const skipped = new Set<Peer>(model === null ? all : []);
    const own: Measured[] = [];
    const beside: Measured[] = [];
    const results = new Map<Peer, Measured[]>(all.map((peer) => [peer, []]));
    const measurePeer = async (peer: Peer, round: number): Promise<void> => {
      if (skipped.has(peer) || model === null) {
        this.#done++;
        return;
      }
      this.#progress(job, peer.name, round);
      const result = await this.#peer(job, peer, model);
      if (result.ok) results.get(peer)?.push(result.measured);
      else {
        skipped.add(peer);
        this.#listeners.onNote(`${title(job)}: ${peer.name} is left out: ${result.reason}.`);
        // The others and Espalier need what it would have written.
        if (peer.writesInputs === true) for (const other of all) skipped.add(other);
      }
    };
    for (let round = 1; round <= this.#options.rounds; round++) {
      const first = all.filter((peer) => peer.writesInputs === true);
      for (const peer of first) await measurePeer(peer, round);
      this.#progress(job, 'Espalier', round);
      const folder = model !== null && !first.some((peer) => skipped.has(peer)) ? model : null;
      const result = await this.#espalier(job.kind, job.preset, folder);
      if (typeof result === 'string') {
        this.#listeners.onNote(`${title(job)} failed: ${result}`);
        return 1;
      }
      own.push(result);
      if (job.beside !== undefined) {
        this.#progress(job, job.beside, round);
        const other = await this.#espalier(job.beside, job.preset, folder);
        if (typeof other === 'string') {
          this.#listeners.onNote(`${title(job)}: ${job.beside} failed: ${other}`);
          return 1;
        }
        beside.push(other);
      }
      for (const peer of all) if (!first.includes(peer)) await measurePeer(peer, round);
    }
    const measured = medians(own);
    let problems = 0;
    const compared = new Map<string, Measured>();
    if (job.beside !== undefined) compared.set(job.beside, medians(beside));
    for (const [peer, rounds] of results) {
      if (rounds.length === 0) continue;
      const peerMeasured = medians(rounds);
      const problem = peer.name === 'pytorch-f32' ? differentWork(measured, peerMeasured) : null;
      if (problem === null) compared.set(peer.name, peerMeasured);
      else {
        problems = 1;
        this.#listeners.onNote(`${title(job)}: not the same work as ${peer.name}: ${problem}`);
      }
    }
    for (const figure of job.figures) this.#listeners.onFigure(finishFigure(figure, measured, compared));
    return problems;
  }

  #progress(job: Job, who: string, round: number): void {
    const { rounds } = this.#options;
    const which = rounds > 1 ? `, round ${round} of ${rounds}` : '';
    this.#listeners.onProgress(`${title(job)}: ${who}${which}`, this.#done / this.#processes);
    this.#done++;
  }

  /** Espalier's own figures, or why there are none. */
  async #espalier(
    kind: MeasurementKind,
    preset: PresetName | null,
    folder: string | null,
  ): Promise<Measured | string> {
    const words = [measureProgram, kind, preset ?? 'starter', ...(folder === null ? [] : [folder])];
    const result = await runProcess(process.execPath, [...trainerNodeOptions, ...words], this.#surroundings);
    if (!result.ok) return result.reason;
    const measured = measuredSchema.safeParse(result.value);
    return measured.success ? measured.data : 'a figure is not a number';
  }

  async #peer(job: Job, peer: Peer, model: string): Promise<PeerResult> {
    const result = await this.#script(peer.script, [
      '--preset',
      job.preset ?? 'starter',
      '--model',
      model,
      ...(peer.writesInputs === true ? ['--save-model', model] : []),
      ...peer.words,
    ]);
    return result.ok ? readPeerResult(result.value) : { ok: false, reason: result.reason };
  }

  #script(script: Peer['script'], words: readonly string[]) {
    const { python, peerFolder } = this.#options;
    if (python === null) throw new Error('internal: a peer without Python');
    const threads = ['--threads', String(availableParallelism())];
    return runProcess(
      python,
      [path.join(peerFolder, script), '--json', ...threads, ...words],
      this.#surroundings,
    );
  }

  /** Where the peers of a job put what all read; weights lie there already where a peer needs them. */
  async #inputFolder(job: Job, peers: readonly Peer[]): Promise<string | null> {
    return peers.every(({ needsWeights }) => needsWeights === false)
      ? path.join(this.#folder, job.kind)
      : await this.#modelFolder(job.preset ?? 'starter', peers);
  }

  /**
   * Folder with the weights of a preset and the inputs of its training step, written by a peer in a process that is
   * not measured; null where that did not work.
   */
  async #modelFolder(preset: PresetName, peers: readonly Peer[]): Promise<string | null> {
    const folder = path.join(this.#folder, preset);
    if (this.#weights?.preset !== preset) {
      if (this.#weights !== null) {
        rmSync(path.join(this.#folder, this.#weights.preset), { recursive: true, force: true });
      }
      this.#listeners.onProgress(`drawing the weights of ${preset}`, this.#done / this.#processes);
      const words = ['--preset', preset, '--save-model', folder, '--steps', '1', '--warmup', '1'];
      const result = await this.#script('peer_train_step.py', words);
      this.#weights = { preset, problem: result.ok ? null : result.reason };
    }
    const { problem } = this.#weights;
    if (problem === null) return folder;
    const names = peers.map(({ name }) => name).join(', ');
    this.#listeners.onNote(`${preset}: ${names} left out: the weights could not be written: ${problem}.`);
    return null;
  }
}

function title(job: Job): string {
  return job.preset === null ? job.kind : `${job.kind} ${job.preset}`;
}

/** Median over the rounds of every number. */
function medians(rounds: readonly Measured[]): Measured {
  return Object.fromEntries(
    Object.keys(rounds[0] ?? {}).map((key) => [key, median(rounds.map((round) => round[key] ?? NaN))]),
  );
}

/**
 * The lines of a figure.
 * @param compared what each peer gave, by its name
 */
export function finishFigure(
  figure: Figure,
  measured: Measured,
  compared: ReadonlyMap<string, Measured>,
): FinishedFigure {
  const espalier = figureValue(figure, measured);
  if (espalier === null)
    throw new EspalierError('bug', 'internal', `internal: no ${figure.key} was measured`);
  const memory = measured['memory'] ?? null;
  const own = { name: figure.name, unit: figure.unit, espalier, memory };
  const lines = [...compared].flatMap(([peerName, peerMeasured]): BenchLine[] => {
    const value = figureValue(figure, peerMeasured);
    if (value === null) return [];
    const ratio = figure.higher ? espalier / value : value / espalier;
    return [{ ...own, peer: value, peerName, ratio, peerMemory: peerMeasured['memory'] ?? null }];
  });
  const none = { peer: null, peerName: null, ratio: null, peerMemory: null };
  return { figure, measured, lines: lines.length === 0 ? [{ ...own, ...none }] : lines };
}
