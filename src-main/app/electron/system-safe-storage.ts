/** The system's keychain as the store of keys uses it. */
import { safeStorage } from 'electron';
import type { SafeStorage } from '../judge/key-store.ts';

/**
 * Nothing where the system has no keychain: on Linux without one, Electron would encrypt with a password that everybody
 * knows, which is no better than the file for this user alone that is used then.
 */
export function systemSafeStorage(): { safeStorage?: SafeStorage } {
  if (!safeStorage.isEncryptionAvailable()) return {};
  if (process.platform === 'linux' && safeStorage.getSelectedStorageBackend() === 'basic_text') return {};
  return {
    safeStorage: {
      encrypt: (text) => safeStorage.encryptString(text),
      decrypt: (bytes) => safeStorage.decryptString(Buffer.from(bytes)),
    },
  };
}
