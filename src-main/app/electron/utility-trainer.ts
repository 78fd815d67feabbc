/** Starts the trainer program as a utility process of Electron. */
import { utilityProcess } from 'electron';
import { trainerNodeOptions, type SpawnTrainer } from '../trainer-child.ts';

/** Runs the built program at `path`; typed arrays cross as they are. */
export function utilityTrainer(path: string): SpawnTrainer {
  return () => {
    const child = utilityProcess.fork(path, [], {
      stdio: 'pipe',
      serviceName: 'Espalier trainer',
      execArgv: [...trainerNodeOptions],
    });
    const outputListeners: ((text: string) => void)[] = [];
    const tell = (text: string) => {
      for (const listener of outputListeners) listener(text);
    };
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: unknown) => tell(String(data)));
    child.on('error', (type, location) => tell(`${type} at ${location}\n`));
    return {
      send: (command) => child.postMessage(command),
      kill: () => {
        // child.kill() asks politely; a process that computes does not listen.
        if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL');
        else child.kill();
      },
      onMessage: (listener) => {
        child.on('message', listener);
      },
      onOutput: (listener) => {
        outputListeners.push(listener);
      },
      onExit: (listener) => {
        child.on('exit', (code) => listener({ code, signal: null }));
      },
    };
  };
}
