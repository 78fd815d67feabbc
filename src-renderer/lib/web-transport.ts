/**
 * Calls over HTTP and events over a WebSocket of the local server, with the token of the page's address.
 * A lost socket is opened again after a pause that grows from half a second to eight.
 */
import { unreachable } from './call-error.ts';
import type { Transport } from './transport.ts';

const firstPause = 500;
const longestPause = 8000;

export function webTransport(location: Location): Transport {
  const token = new URLSearchParams(location.search).get('token') ?? '';
  const eventListeners = new Set<(event: unknown) => void>();
  const connectionListeners = new Set<(state: 'connecting' | 'open' | 'lost') => void>();
  let state: 'connecting' | 'open' | 'lost' = 'connecting';
  let pause = firstPause;
  let started = false;

  function setState(next: typeof state): void {
    if (next === state) return;
    state = next;
    for (const listener of connectionListeners) listener(state);
  }

  function connect(): void {
    const address = new URL('events', location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    address.search = `?token=${encodeURIComponent(token)}`;
    address.hash = '';
    const socket = new WebSocket(address);
    socket.addEventListener('open', () => {
      pause = firstPause;
      setState('open');
    });
    socket.addEventListener('message', (message: MessageEvent<unknown>) => {
      if (typeof message.data !== 'string') return;
      const event: unknown = JSON.parse(message.data);
      for (const listener of eventListeners) listener(event);
    });
    socket.addEventListener('close', () => {
      setState('lost');
      setTimeout(connect, pause);
      pause = Math.min(longestPause, pause * 2);
    });
  }

  function start(): void {
    if (started) return;
    started = true;
    connect();
  }

  return {
    async call(name, input) {
      let response: Response;
      try {
        response = await fetch(new URL(`api/${name}`, location.href), {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
          body: JSON.stringify(input),
        });
      } catch {
        throw unreachable();
      }
      const answer: unknown = await response.json();
      return answer;
    },
    onEvent(listener) {
      start();
      eventListeners.add(listener);
      return () => eventListeners.delete(listener);
    },
    onConnection(listener) {
      connectionListeners.add(listener);
      listener(state);
      return () => connectionListeners.delete(listener);
    },
  };
}
