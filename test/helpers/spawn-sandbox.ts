/** Starts real sandbox processes of this installation. */
import { resolve } from 'node:path';
import { forkSandbox } from '../../src-main/rewards/sandbox/fork-sandbox.ts';

export const spawnSandbox = forkSandbox(resolve('src-main/rewards/sandbox/program.ts'));
