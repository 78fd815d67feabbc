/**
 * The window's one door to the host: typed calls and pushed events, over the Electron preload or over
 * HTTP and WebSocket. Whatever arrives is parsed by the contract before anything sees it.
 */
import {
  callResultSchema,
  calls,
  hostEventSchema,
  type CallInput,
  type CallName,
  type CallOutput,
  type HostEvent,
} from '../../src-main/contract/calls.ts';
import { CallError } from './call-error.ts';
import { electronTransport } from './electron-transport.ts';
import type { Transport } from './transport.ts';
import { webTransport } from './web-transport.ts';

export type ConnectionState = 'connecting' | 'open' | 'lost';

export class Client {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Asks the host. Throws `CallError` with the host's words when it refuses. */
  async call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
    const result = callResultSchema.parse(await this.#transport.call(name, input));
    if (!result.ok) throw new CallError(result.error);
    const output: unknown = calls[name].output.parse(result.value);
    return output as CallOutput<N>;
  }

  /** Listens to everything that the host pushes; returns the function that ends it. */
  onEvent(listener: (event: HostEvent) => void): () => void {
    return this.#transport.onEvent((event) => {
      listener(hostEventSchema.parse(event));
    });
  }

  /** Tells of the connection; `open` after `lost` means that events may be missing and must be fetched. */
  onConnection(listener: (state: ConnectionState) => void): () => void {
    return this.#transport.onConnection(listener);
  }
}

/** The client of this page: Electron where the preload is there, else the local server. */
export const client = new Client(
  window.espalier ? electronTransport(window.espalier) : webTransport(window.location),
);
