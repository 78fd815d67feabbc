/** Sends the events of the host to every open page over WebSockets, and notices pages that are gone. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { HostEvent } from '../../contract/calls.ts';

/** A page that has not taken this much is cut off: it reads what it missed by calls when it comes back. */
const mostUnsent = 16 * 1024 * 1024;

export interface EventSockets {
  /** Completes an upgrade that was allowed. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  send(event: HostEvent): void;
  close(): Promise<void>;
}

/** @param heartbeat milliseconds between pings; a page that answers none of two is cut off */
export function eventSockets(heartbeat: number): EventSockets {
  // Pages send nothing: anything longer than a control frame is refused.
  const server = new WebSocketServer({ noServer: true, maxPayload: 1024, perMessageDeflate: false });
  const waiting = new WeakSet<WebSocket>();
  const timer = setInterval(() => {
    for (const client of server.clients) {
      if (waiting.has(client)) {
        client.terminate();
        continue;
      }
      waiting.add(client);
      client.ping();
    }
  }, heartbeat);
  timer.unref();
  return {
    accept(request, socket, head) {
      server.handleUpgrade(request, socket, head, (client) => {
        client.on('pong', () => waiting.delete(client));
        // A reset connection is followed by 'close'; there is nothing more to do.
        client.on('error', () => undefined);
      });
    },
    send(event) {
      if (server.clients.size === 0) return;
      const text = JSON.stringify(event);
      for (const client of server.clients) {
        if (client.readyState !== client.OPEN) continue;
        if (client.bufferedAmount > mostUnsent) client.terminate();
        else client.send(text);
      }
    },
    async close() {
      clearInterval(timer);
      for (const client of server.clients) client.close(1001, 'Espalier is closing');
      // Pages that do not answer the farewell are cut off.
      const force = setTimeout(() => {
        for (const client of server.clients) client.terminate();
      }, 1_000);
      await new Promise<void>((done) => server.close(() => done()));
      clearTimeout(force);
    },
  };
}
