/** All that the window's page gets of Electron: one function to call the host and one to hear its events. */
import { contextBridge, ipcRenderer, type IpcRendererEvent } from 'electron';
import { callChannel, eventChannel } from './channels.ts';

contextBridge.exposeInMainWorld('espalier', {
  call: (name: unknown, input: unknown): Promise<unknown> =>
    ipcRenderer.invoke(callChannel, String(name), input),
  onEvent: (listener: (event: unknown) => void): (() => void) => {
    // The page never sees Electron's own event object.
    const forward = (_event: IpcRendererEvent, event: unknown) => listener(event);
    ipcRenderer.on(eventChannel, forward);
    return () => {
      ipcRenderer.removeListener(eventChannel, forward);
    };
  },
});
