/** Binds the services to the window: calls in, events out. Every call's sender is checked. */
import { BrowserWindow, ipcMain, type IpcMainInvokeEvent } from 'electron';
import { toErrorShape, userError } from '../../contract/errors.ts';
import { answerCall, type CallEnvelope } from '../call-envelope.ts';
import type { Services } from '../services.ts';
import { callChannel, eventChannel } from './channels.ts';
import { isWindowAddress } from './window-address.ts';

/** Returns the function that ends it. */
export function bindCalls(services: Services, developmentUrl: string | undefined): () => void {
  ipcMain.handle(callChannel, async (event, name: unknown, input: unknown): Promise<CallEnvelope> => {
    if (!fromOwnPage(event, developmentUrl) || typeof name !== 'string') {
      return {
        ok: false,
        error: toErrorShape(userError('refused', 'Only the window of Espalier may call.')),
      };
    }
    return answerCall(services, name, input);
  });
  const unsubscribe = services.subscribe((event) => {
    for (const window of BrowserWindow.getAllWindows()) {
      if (!window.isDestroyed()) window.webContents.send(eventChannel, event);
    }
  });
  return () => {
    unsubscribe();
    ipcMain.removeHandler(callChannel);
  };
}

function fromOwnPage(event: IpcMainInvokeEvent, developmentUrl: string | undefined): boolean {
  const frame = event.senderFrame;
  return frame !== null && frame.parent === null && isWindowAddress(frame.url, developmentUrl);
}
