/** A mistake that the contract found in one field, in a sentence that says what is wanted. */
import type { z } from 'zod';

export function issueText(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'too_small':
      if (issue.origin === 'string') return 'Fill this in.';
      if (issue.origin === 'array') return 'At least one is needed.';
      return issue.inclusive === false
        ? `More than ${String(issue.minimum)} is needed.`
        : `At least ${String(issue.minimum)} is needed.`;
    case 'too_big':
      if (issue.origin === 'string') return `At most ${String(issue.maximum)} characters fit.`;
      return `At most ${String(issue.maximum)} is possible.`;
    case 'invalid_type':
      if (issue.expected === 'int') return 'A whole number is needed.';
      if (issue.expected === 'number') return 'A number is needed.';
      if (issue.input === undefined) return 'Fill this in.';
      return issue.message;
    case 'invalid_value':
      return `One of these is needed: ${issue.values.map(String).join(', ')}.`;
    case 'unrecognized_keys':
      return `There is no field ${issue.keys.join(', ')}.`;
    default:
      return issue.message;
  }
}
