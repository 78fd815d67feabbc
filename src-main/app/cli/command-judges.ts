/** Judges for commands without a run: with the judgements that are kept, and keeping new ones where no host is at work. */
import { EspalierError } from '../../contract/errors.ts';
import type { Services } from '../services.ts';
import type { CommandContext } from './command.ts';
import { openServices } from './open-services.ts';

/** The services; beside a running host they only read, and new judgements are then kept for this command alone. */
export function openJudges(context: CommandContext): Services {
  try {
    return openServices(context, { startWaiting: false });
  } catch (error) {
    if (!(error instanceof EspalierError) || error.code !== 'data-directory-in-use') throw error;
    return openServices(context, { readOnly: true });
  }
}
