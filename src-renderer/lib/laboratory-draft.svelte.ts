/** The decision process that is being edited: kept in the browser's storage, with every earlier state for Undo. */
import { decisionProcessSchema, type DecisionProcess } from '../../src-main/contract/laboratory.ts';

const storageKey = 'espalier.laboratory';
const saveAfter = 300;
const mostUndo = 200;

export class LaboratoryDraft {
  /** Null until a process was stored or chosen. */
  process = $state.raw<DecisionProcess | null>(readStored());
  #past = $state.raw<readonly DecisionProcess[]>([]);
  /** Field that was changed last: typing on in it makes no new step of Undo. */
  #field: string | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  readonly canUndo: boolean = $derived(this.#past.length > 0);

  /** Puts a changed process in place; changes of the same field one after the other are one step of Undo. */
  change(process: DecisionProcess, field: string | null = null): void {
    if (this.process !== null && (field === null || field !== this.#field)) {
      this.#past = [...this.#past, this.process].slice(-mostUndo);
    }
    this.#field = field;
    this.#keep(process);
  }

  /** Takes the last change back. */
  undo(): void {
    const before = this.#past.at(-1);
    if (before === undefined) return;
    this.#past = this.#past.slice(0, -1);
    this.#field = null;
    this.#keep(before);
  }

  #keep(process: DecisionProcess): void {
    this.process = process;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      localStorage.setItem(storageKey, JSON.stringify(process));
    }, saveAfter);
  }
}

function readStored(): DecisionProcess | null {
  const text = localStorage.getItem(storageKey);
  if (text === null) return null;
  try {
    const parsed = decisionProcessSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
