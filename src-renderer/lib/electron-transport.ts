/** Calls and events through the Electron preload. The connection lives as long as the window. */
import type { EspalierBridge, Transport } from './transport.ts';

export function electronTransport(bridge: EspalierBridge): Transport {
  return {
    call: (name, input) => bridge.call(name, input),
    onEvent: (listener) => bridge.onEvent(listener),
    onConnection: (listener) => {
      listener('open');
      return () => undefined;
    },
  };
}
