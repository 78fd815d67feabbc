/**
 * The experiment that is being written: plain JSON, checked by the contract at each change and kept in the
 * browser's storage until it is started, so that nothing typed is lost.
 */
import { z } from 'zod';
import { experimentSchema, type Experiment } from '../../src-main/contract/experiment.ts';
import { defaultOf, fieldSchemaAt } from '../../src-main/contract/schema-fields.ts';
import type { ErrorShape } from '../../src-main/contract/events.ts';
import { estimators } from './estimators.svelte.ts';
import { issueText } from './issue-text.ts';
import { valueAt, withValueAt, type JsonObject, type JsonValue } from './json-path.ts';

const storageKey = 'espalier.draft';
const saveAfter = 300;

const jsonObjectSchema = z.record(z.string(), z.json());

/** What a new experiment begins with; everything else is a default of the contract. */
export const emptyDraft: JsonObject = {
  version: 1,
  name: 'My experiment',
  model: { path: 'builtin:starter' },
  data: { path: '' },
  reward: { components: [{ kind: 'number' }] },
};

/** An experiment with nothing but defaults; its paths are not real. */
const defaults: JsonObject = jsonObjectSchema.parse(
  JSON.parse(
    JSON.stringify(
      experimentSchema.parse({ version: 1, name: 'x', model: { path: 'x' }, data: { path: 'x' } }),
    ),
  ),
);

/** The value that a field has when it is left out of `document`; undefined where there is none. */
export function defaultAt(path: string, document: JsonObject): JsonValue | undefined {
  if (path === 'model.path' || path === 'data.path') return undefined;
  if (path.startsWith('reward.')) {
    const value = defaultOf(fieldSchemaAt(experimentSchema, path.split('.'), document));
    return value === undefined ? undefined : toDraft({ value })['value'];
  }
  return valueAt(defaults, path) ?? methodDefault(path, document);
}

/** Defaults that belong to the chosen method rather than to the field. */
function methodDefault(path: string, document: JsonObject): JsonValue | undefined {
  const [section, key] = path.split('.');
  if (section !== 'method' || key === undefined) return undefined;
  const chosen = valueAt(document, 'method.estimator') ?? valueAt(defaults, 'method.estimator');
  return typeof chosen === 'string' ? estimators.find(chosen)?.defaults[key] : undefined;
}

export class ExperimentDraft {
  value = $state.raw<JsonObject>(emptyDraft);
  readonly #storageKey: string;
  /** Fields that the user has left once, or all of them after Start was pressed; only these show mistakes. */
  #touched = $state.raw<ReadonlySet<string>>(new Set());
  #showAll = $state(false);
  /** What the host said of the last check, when it names a field. */
  hostError = $state.raw<ErrorShape | null>(null);
  #keptReward: JsonValue | undefined = emptyDraft['reward'];
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** @param key place in the browser's storage */
  constructor(key = storageKey) {
    this.#storageKey = key;
    this.value = readStored(key);
  }

  readonly #parsed = $derived(experimentSchema.safeParse(this.value));
  /** The experiment with defaults, or null while something is wrong. */
  readonly experiment: Experiment | null = $derived(this.#parsed.success ? this.#parsed.data : null);
  /** Mistakes by the path of their field. */
  readonly issues: ReadonlyMap<string, string> = $derived(
    new Map(
      (this.#parsed.error?.issues ?? []).map((issue) => [issue.path.map(String).join('.'), issueText(issue)]),
    ),
  );

  /** The value at a path as it was typed; undefined where the default counts. */
  get(path: string): JsonValue | undefined {
    return valueAt(this.value, path);
  }

  /** The value at a path, or the default. */
  effective(path: string): JsonValue | undefined {
    return this.get(path) ?? defaultAt(path, this.value);
  }

  /** The value at a path, or the default, as text; empty when it is no simple value. */
  text(path: string): string {
    const value = this.effective(path);
    return typeof value === 'object' || value === undefined ? '' : String(value);
  }

  /** Changes a value; undefined takes it out, so that the default counts. */
  set(path: string, value: JsonValue | undefined): void {
    const parent = path.split('.').slice(0, -1).join('.');
    let base = this.value;
    // Objects with a default as a whole (such as method.kl) must stay whole when one field changes.
    if (parent.includes('.') && valueAt(base, parent) === undefined) {
      const whole = valueAt(defaults, parent);
      if (whole !== undefined) base = withValueAt(base, parent, whole);
    }
    this.#replace(withValueAt(base, path, value));
  }

  /** Takes the reward out and keeps it for the case that it is wanted again, or puts it back. */
  useReward(wanted: boolean): void {
    const present = this.get('reward');
    if (wanted === (present !== undefined)) return;
    if (present !== undefined) this.#keptReward = present;
    this.set('reward', wanted ? this.#keptReward : undefined);
  }

  /** Puts another experiment in place of this one. */
  load(document: JsonObject): void {
    this.#touched = new Set();
    this.#showAll = false;
    this.#replace(document);
  }

  /** Puts a document in place that is kept elsewhere, and takes the draft of it out of the storage. */
  show(document: JsonObject): void {
    this.load(document);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    localStorage.removeItem(this.#storageKey);
  }

  touch(path: string): void {
    if (!this.#touched.has(path)) this.#touched = new Set([...this.#touched, path]);
  }

  /** From now on every mistake is shown. */
  showAll(): void {
    this.#showAll = true;
  }

  /** The mistake to show at a field; null when there is none or the user has not been there yet. */
  messageAt(path: string): string | null {
    const issue = this.issues.get(path) ?? this.#issueInside(path);
    if (issue !== undefined) return this.#showAll || this.#touched.has(path) ? issue : null;
    if (this.hostError?.where === path) {
      return [this.hostError.message, this.hostError.advice].filter(Boolean).join(' ');
    }
    return null;
  }

  /** The first mistake in a member of a list or pair, which has no field of its own. */
  #issueInside(path: string): string | undefined {
    const inside = `${path}.`;
    return [...this.issues].find(([where]) => where.startsWith(inside))?.[1];
  }

  #replace(value: JsonObject): void {
    this.value = value;
    this.hostError = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      localStorage.setItem(this.#storageKey, JSON.stringify(value));
    }, saveAfter);
  }
}

function readStored(key: string): JsonObject {
  const text = localStorage.getItem(key);
  if (text === null) return emptyDraft;
  try {
    return jsonObjectSchema.parse(JSON.parse(text));
  } catch {
    return emptyDraft;
  }
}

/** Any experiment or run configuration as plain JSON. */
export function toDraft(document: unknown): JsonObject {
  return jsonObjectSchema.parse(JSON.parse(JSON.stringify(document)));
}
