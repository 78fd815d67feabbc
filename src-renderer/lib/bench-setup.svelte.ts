/** Where the answers of a bench come from, as it was set last; kept in the browser's storage. */
import { z } from 'zod';
import type { BenchSource } from '../../src-main/contract/reward-bench.ts';

const storageKey = 'espalier.bench';
const saveAfter = 300;

const setupSchema = z.object({
  from: z.enum(['pasted', 'references', 'run', 'model']).default('pasted'),
  planted: z.boolean().default(true),
  question: z.string().default('A train goes 60 km in one hour. How far does it go in 3 hours?'),
  reference: z.string().default('180'),
  answers: z.array(z.string()).min(1).default(['180', '60 * 3 = 180, so it goes 180 km.', 'I do not know.']),
  path: z.string().default(''),
  prompt: z.string().default('{prompt}'),
  answer: z.string().default('{answer}'),
  rows: z.int().min(1).max(20_000).default(200),
  runId: z.string().default(''),
  step: z.int().min(0).nullable().default(null),
  runAnswers: z.int().min(1).max(20_000).default(500),
  /** `example:ID` or `run:ID`. */
  model: z.string().default(''),
  questions: z.int().min(1).max(1_000).default(16),
});
export type BenchSetup = z.infer<typeof setupSchema>;

export class BenchSetupState {
  value = $state.raw<BenchSetup>(readStored());
  #timer: ReturnType<typeof setTimeout> | null = null;

  set(changes: Partial<BenchSetup>): void {
    this.value = { ...this.value, ...changes };
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      localStorage.setItem(storageKey, JSON.stringify(this.value));
    }, saveAfter);
  }
}

/** The answers that are there already, or null for fresh ones of a model. What is missing is said by the second member. */
export function givenSource(setup: BenchSetup): { source: BenchSource | null; missing: string | null } {
  switch (setup.from) {
    case 'pasted': {
      const { question, reference } = setup;
      const answers = setup.answers
        .filter((text, place) => text !== '' || (place === 0 && setup.answers.length === 1))
        .map((response) => ({ prompt: question, response, reference }));
      return { source: { from: 'pasted', answers }, missing: null };
    }
    case 'references':
      return setup.path.trim() === ''
        ? { source: null, missing: 'Choose a data file.' }
        : {
            source: {
              from: 'references',
              data: { path: setup.path.trim(), prompt: setup.prompt, answer: setup.answer },
              limit: setup.rows,
            },
            missing: null,
          };
    case 'run':
      return setup.runId === ''
        ? { source: null, missing: 'Choose a run.' }
        : {
            source: {
              from: 'run',
              runId: setup.runId,
              limit: setup.runAnswers,
              ...(setup.step === null ? {} : { step: setup.step }),
            },
            missing: null,
          };
    case 'model':
      return { source: null, missing: setup.model === '' ? 'Choose a model and its questions.' : null };
  }
}

function readStored(): BenchSetup {
  try {
    return setupSchema.parse(JSON.parse(localStorage.getItem(storageKey) ?? '{}'));
  } catch {
    return setupSchema.parse({});
  }
}
