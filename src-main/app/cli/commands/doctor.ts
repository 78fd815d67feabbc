/** `espalier doctor`: whether this computer and this installation can do the work, and what to do where not. */
import { defineCommand, exitCodes } from '../command.ts';
import { runChecks } from '../doctor/checks.ts';

const marks = { good: '✓', warning: '!', failed: '✗' } as const;

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'what this computer can do, and what to mend',
  about: [
    'Looks at Node, the system, memory, disk, the data directory, the database, the devices of ONNX Runtime (each in a process of its own, with a small matrix product) and the window. Changes nothing.',
  ],
  positionals: [],
  options: {},
  examples: [{ line: 'espalier doctor', meaning: 'before the first run, or when something does not work' }],
  exits: { 0: 'nothing failed (there may be warnings)', 1: 'a check failed' },
  run: async ({ output, interrupts, root, dataDirectory, environment }) => {
    const checks = await runChecks({ root, dataDirectory, environment }, interrupts.signal);
    if (interrupts.signal.aborted) return exitCodes.interrupted;
    const ok = checks.every((check) => check.status !== 'failed');
    output.value({ ok, checks });
    for (const check of checks) {
      output.text(`${marks[check.status]} ${check.name}: ${check.found}`);
      if (check.advice !== null) output.text(`    ${check.advice}`);
    }
    output.text(
      ok ? '\nEspalier can work here.' : '\nEspalier cannot work here yet; see the lines marked ✗.',
    );
    return ok ? exitCodes.done : exitCodes.failed;
  },
});
