/** Every command of the command line, in the order of the overview. */
import type { Command } from '../command.ts';
import { doctor } from './doctor.ts';

export const commands: readonly Command[] = [doctor];
