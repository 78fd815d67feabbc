/** What carries calls and events between window and host. */
export interface Transport {
  /** Sends one call; resolves to the unparsed answer envelope. */
  call(name: string, input: unknown): Promise<unknown>;
  /** Delivers unparsed events; returns the function that ends it. */
  onEvent(listener: (event: unknown) => void): () => void;
  onConnection(listener: (state: 'connecting' | 'open' | 'lost') => void): () => void;
}

/** What the Electron preload puts on `window`. */
export interface EspalierBridge {
  call(name: string, input: unknown): Promise<unknown>;
  onEvent(listener: (event: unknown) => void): () => void;
}

declare global {
  interface Window {
    espalier?: EspalierBridge;
  }
}
