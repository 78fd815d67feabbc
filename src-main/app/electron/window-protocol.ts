/** Serves the built window under app://espalier/, with its policy; nothing outside its folder. */
import { protocol, type Session } from 'electron';
import { contentSecurityPolicy } from '../content-security-policy.ts';
import { windowFile } from '../window-file.ts';
import { isWindowAddress, windowScheme } from './window-address.ts';

/** Tells Chromium what kind of scheme it is; must be called before the application is ready. */
export function registerWindowScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: windowScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
}

/** Answers requests of the scheme in a session. */
export function serveWindow(session: Session, directory: string): void {
  session.protocol.handle(windowScheme, async (request) => {
    const headers = {
      'content-security-policy': contentSecurityPolicy(),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    };
    const refuse = (status: number) => new Response(null, { status, headers });
    if (request.method !== 'GET' || !isWindowAddress(request.url, undefined)) return refuse(403);
    const file = await windowFile(directory, new URL(request.url).pathname);
    if (file === null) return refuse(404);
    return new Response(new Uint8Array(file.content), {
      headers: { ...headers, 'content-type': file.contentType },
    });
  });
}
