/** A real server on this computer that speaks the interface of chat models, well or badly, as a test says. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import type { JudgeClock } from '../../src-main/app/judge/judge-clock.ts';
import { judgeComponentSchema } from '../../src-main/contract/reward-components.ts';

const bodySchema = z.looseObject({
  model: z.string(),
  messages: z.array(z.strictObject({ role: z.string(), content: z.string() })),
  response_format: z.unknown().optional(),
});

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Of a chat request. */
  readonly body: z.infer<typeof bodySchema> | null;
  /** All texts of its messages. */
  readonly text: string;
}

export type Answer =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body: string }
  /** Ends the connection in the middle of the reply, before any of it, or never answers. */
  | 'cut off'
  | 'reset'
  | 'silent';

/** A proper reply with these words. */
export function says(content: unknown): Answer {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return { body: JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: text } }] }) };
}

export const fails = (status: number, message = '', headers: Record<string, string> = {}): Answer => ({
  status,
  headers,
  body: JSON.stringify({ error: { message } }),
});

export interface JudgeServer {
  /** Ends in /v1. */
  readonly endpoint: string;
  /** Chat requests, in order. */
  readonly seen: SeenRequest[];
  /** What is answered from now on. */
  answer: (request: SeenRequest, number: number) => Answer | Promise<Answer>;
  models: Answer;
  /** Takes the server away; nothing listens at its address. */
  down(): Promise<void>;
  /** Brings it back at the same address. */
  up(): Promise<void>;
}

export async function startJudgeServer(
  answer: JudgeServer['answer'] = () => says({ reason: 'good', score: 8 }),
): Promise<JudgeServer> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const body = text === '' ? null : bodySchema.parse(JSON.parse(text));
      const seen: SeenRequest = {
        path: request.url ?? '',
        headers: request.headers,
        body,
        text: body?.messages.map(({ content }) => content).join('\n') ?? '',
      };
      const chat = seen.path.endsWith('/chat/completions');
      if (chat) judge.seen.push(seen);
      void Promise.resolve(chat ? judge.answer(seen, judge.seen.length) : judge.models).then((given) => {
        if (given === 'silent') return;
        if (given === 'reset') {
          request.socket.destroy();
        } else if (given === 'cut off') {
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
          response.write('{"choices":[{"mess', () => request.socket.destroy());
        } else {
          response.writeHead(given.status ?? 200, { 'content-type': 'application/json', ...given.headers });
          response.end(given.body);
        }
      });
    });
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const judge: JudgeServer = {
    endpoint: `http://127.0.0.1:${port}/v1`,
    seen: [],
    answer,
    models: { body: JSON.stringify({ object: 'list', data: [{ id: 'small-judge' }] }) },
    down: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    up: () => listen(port),
  };
  return judge;
}

/** A judge component for a server; pauses and patience as a test needs them. */
export function judgeOf(endpoint: string, changes: Record<string, unknown> = {}) {
  return judgeComponentSchema.parse({
    kind: 'judge',
    endpoint,
    model: 'small-judge',
    rubric: 'Is it right?',
    ...changes,
  });
}

export interface TestClock extends JudgeClock {
  /** Pauses that were asked for, in milliseconds; limits of requests left out. */
  readonly pauses: number[];
  /** Called before a pause ends. */
  onPause: (milliseconds: number) => void | Promise<void>;
}

/** Time that passes at once in pauses; limits of requests (`timeout` in milliseconds) pass as on a wall. */
export function testClock(timeout: number): TestClock {
  let passed = 0;
  const clock: TestClock = {
    pauses: [],
    onPause: () => {},
    now: () => passed,
    sleep: async (milliseconds, signal) => {
      signal.throwIfAborted();
      if (milliseconds === timeout) {
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(resolve, milliseconds);
          signal.addEventListener('abort', () => {
            clearTimeout(timer);
            reject(signal.reason as Error);
          });
        });
        return;
      }
      clock.pauses.push(milliseconds);
      await clock.onPause(milliseconds);
      passed += milliseconds;
      signal.throwIfAborted();
    },
  };
  return clock;
}
