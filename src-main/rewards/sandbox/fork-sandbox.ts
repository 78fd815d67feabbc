/** Starts the sandbox program as a child process of Node. */
import { fork } from 'node:child_process';
import type { SpawnSandbox } from './child.ts';
import { sandboxEnvironment, sandboxNodeOptions } from './child.ts';

const longestWords = 2000;

/**
 * Forks the program at `path`. Node's permissions keep it from writing files and starting programs, should anything ever
 * escape from the engine.
 */
export function forkSandbox(path: string): SpawnSandbox {
  return () => {
    const child = fork(path, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [...sandboxNodeOptions, ...permissions],
      env: { ...sandboxEnvironment(process.env), ELECTRON_RUN_AS_NODE: '1' },
    });
    let words = '';
    child.stderr?.setEncoding('utf8');
    child.stderr?.on('data', (text: string) => {
      words = (words + text).slice(-longestWords);
    });
    // Also raised when a message cannot be sent because the process is gone: its exit is told anyway.
    child.on('error', (error) => {
      words += `${error.message}\n`;
    });
    return {
      send: (message) => {
        if (child.connected) child.send(message as Parameters<typeof child.send>[0]);
      },
      kill: () => {
        child.kill('SIGKILL');
      },
      onMessage: (listener) => {
        child.on('message', listener);
      },
      onExit: (listener) => {
        let told = false;
        const once = () => {
          if (!told) listener(words);
          told = true;
        };
        child.on('close', once);
        child.on('error', () => {
          if (child.pid === undefined) once();
        });
      },
    };
  };
}

/** Reading is allowed: the program must load itself. */
const permissions: readonly string[] = ['--permission', '--allow-fs-read=*'];
