/** Starts the trainer program as a child process of Node. */
import { fork } from 'node:child_process';
import { trainerNodeOptions, type SpawnTrainer } from './trainer-child.ts';

/** Forks the program at `path`; typed arrays cross as they are. Its messages end when this process ends. */
export function forkTrainer(path: string): SpawnTrainer {
  return () => {
    const child = fork(path, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [...trainerNodeOptions],
    });
    const outputListeners: ((text: string) => void)[] = [];
    const tell = (text: string) => {
      for (const listener of outputListeners) listener(text);
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8');
      stream?.on('data', (text: string) => tell(text));
    }
    // Also raised when a message cannot be sent because the process is gone: its exit is told anyway.
    child.on('error', (error) => tell(`${error.message}\n`));
    return {
      send: (command) => {
        if (child.connected) child.send(command);
      },
      kill: () => {
        child.kill('SIGKILL');
      },
      onMessage: (listener) => {
        child.on('message', listener);
      },
      onOutput: (listener) => {
        outputListeners.push(listener);
      },
      onExit: (listener) => {
        // 'close' comes after 'exit', when the streams are read to their end: the last words are complete.
        let told = false;
        const once = (code: number | null, signal: NodeJS.Signals | null) => {
          if (told) return;
          told = true;
          listener({ code, signal });
        };
        child.on('close', once);
        child.on('error', () => {
          if (child.pid === undefined) once(null, null);
        });
      },
    };
  };
}
