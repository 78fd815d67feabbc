/** The machine that figures are taken on, and whether it is quiet enough for them to mean something. */
import os from 'node:os';

export interface Machine {
  readonly processor: string;
  /** Cores that this process may use. */
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  /** Programs that ran or waited on average in the last minute; 0 where the system does not say. */
  readonly load: number;
  readonly node: string;
}

/** Above this load other programs take part of the cores. */
export const quietLoad = 0.5;

/** Looks at this machine. */
export function lookAtMachine(): Machine {
  return {
    processor: os.cpus()[0]?.model.trim() ?? os.arch(),
    cores: os.availableParallelism(),
    memory: os.totalmem(),
    load: os.loadavg()[0] ?? 0,
    node: process.version,
  };
}
