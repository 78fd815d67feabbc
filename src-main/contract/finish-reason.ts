/** Why an answer ended. */
import { z } from 'zod';

export const finishReasonSchema = z.enum(['stop', 'length']);
export type FinishReason = z.infer<typeof finishReasonSchema>;
