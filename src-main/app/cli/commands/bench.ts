/** `espalier bench`: how fast this installation is on this machine, beside peers where a Python with them is given. */
import path from 'node:path';
import { userError } from '../../../contract/errors.ts';
import { benchDetails, benchTable, describeMachine } from '../../bench/bench-table.ts';
import type { FinishedFigure } from '../../bench/bench.ts';
import { runBench } from '../../bench/bench.ts';
import { chooseJobs, jobs } from '../../bench/figures.ts';
import { lookAtMachine } from '../../bench/machine.ts';
import { defineCommand, exitCodes } from '../command.ts';
import { createProgressWriter } from '../progress-bar.ts';
import { renderPairs } from '../table.ts';

/** A program of the search path, or a file relative to where the command was typed. */
function pythonProgram(name: string, workingDirectory: string): string {
  return /[/\\]/.test(name) ? path.resolve(workingDirectory, name) : name;
}

export const bench = defineCommand({
  name: 'bench',
  summary: 'how fast this machine trains and samples, beside peers',
  about: [
    'Measures training steps, sampling, whole GRPO steps, advantages, verifiers, the store and the reading of data, each in a process of its own, so that its peak memory is its own. The table goes to standard error. docs/performance.md says what each figure means.',
    'With --peer the same work is done by PyTorch, transformers, llama.cpp, onnxruntime-genai and TRL on the same weights and inputs, in turn with Espalier; a peer that is not installed is left out. Compare on a quiet machine only.',
  ],
  positionals: [],
  options: {
    only: {
      type: 'string',
      value: 'NAME,…',
      multiple: true,
      help: 'Only these figures; train stands for every figure that is called train-…',
    },
    peer: {
      type: 'string',
      value: 'PYTHON',
      help: 'Python of an environment with test/peers/requirements.txt.',
    },
    'fastest-peers': {
      type: 'boolean',
      help: 'With --peer: also set-ups that are faster by compiling or with fewer bits.',
    },
    rounds: {
      type: 'integer',
      value: 'N',
      help: 'How often each program runs; the medians count.',
      minimum: 1,
      maximum: 100,
      fallback: '2',
    },
    list: { type: 'boolean', help: 'List the figures and measure nothing.' },
  },
  examples: [
    { line: 'espalier bench --only grpo-starter,train', meaning: 'three figures of this machine' },
    { line: 'espalier bench --peer .venv/bin/python', meaning: 'everything, beside the peers' },
  ],
  exits: { 1: 'a measurement failed, or did other work than its peer (a bar that is missed is no failure)' },
  run: async (context, values) => {
    const { output, interrupts } = context;
    if (values.list) {
      if (output.json) {
        throw userError('usage', '--list and --json exclude each other.', {
          where: 'espalier bench',
          advice: 'Leave out --json: the list is one figure a line.',
        });
      }
      const figures = jobs.flatMap((job) => job.figures);
      output.text(renderPairs(figures.map(({ name, unit, about }) => [name, `${about} (${unit})`])));
      return exitCodes.done;
    }
    const names = values.only
      .flatMap((list) => list.split(','))
      .map((name) => name.trim())
      .filter((name) => name !== '');
    const chosen = chooseJobs(names, values['fastest-peers']);
    for (const line of describeMachine(lookAtMachine())) output.note(line);
    const writer = createProgressWriter(output.errorStream, () => performance.now());
    const finished: FinishedFigure[] = [];
    try {
      const failures = await runBench(
        {
          jobs: chosen,
          python: values.peer === undefined ? null : pythonProgram(values.peer, context.workingDirectory),
          peerFolder: path.join(context.root, 'test', 'peers'),
          rounds: values.rounds ?? 2,
          environment: context.environment,
          workingDirectory: context.workingDirectory,
          signal: interrupts.signal,
        },
        {
          onProgress: (title, share) => writer.update({ title, share, facts: [], secondsLeft: null }),
          onFigure: (figure) => {
            finished.push(figure);
            for (const line of figure.lines) output.value(line);
          },
          onNote: (text) => writer.line(text),
        },
      );
      return failures === 0 ? exitCodes.done : exitCodes.failed;
    } finally {
      writer.end();
      // What was finished before a stop is shown too.
      if (finished.length > 0) output.note(`\n${benchTable(finished)}`);
      const details = benchDetails(finished);
      if (details.length > 0) output.note(`\n${details.join('\n')}`);
    }
  },
});
