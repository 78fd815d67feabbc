/**
 * Every response of every run: texts and ids, reward with the reason of each component, per-token numbers.
 * Lists and counts are answered from covering indexes; the token arrays lie in a table of their own.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { SampleDetail, SampleRow, sampleFilterSchema } from '../contract/calls.ts';
import { userError } from '../contract/errors.ts';
import { sampleAnchorSchema, type Sample } from '../contract/events.ts';
import { componentScoreSchema } from '../contract/reward.ts';
import type { Connection } from './open-database.ts';
import { prepared } from './prepared.ts';
import { sampleCondition, sampleOrder } from './sample-query.ts';
import { decodeText, encodeText, storedTextSchema } from './stored-text.ts';
import { decodeFloats, decodeInts, encodeArray } from './token-arrays.ts';

export type SampleFilter = z.output<typeof sampleFilterSchema>;

const splits = ['train', 'evaluation'] as const;
const finishes = ['stop', 'length'] as const;

const rowSchema = z.object({
  id: z.int(),
  runId: z.string(),
  step: z.int(),
  split: z.union([z.literal(0), z.literal(1)]),
  promptIndex: z.int(),
  sampleIndex: z.int(),
  prompt: storedTextSchema,
  reference: storedTextSchema,
  text: storedTextSchema,
  finish: z.union([z.literal(0), z.literal(1)]),
  tokens: z.int(),
  reward: z.number().nullable(),
  components: z.string(),
});
const componentsSchema = z.array(componentScoreSchema);

const blob = z.instanceof(Uint8Array);
const tokensSchema = z.object({
  promptIds: blob,
  ids: blob,
  samplerLogprobs: blob,
  logprobs: blob.nullable(),
  advantages: blob.nullable(),
  entropies: blob.nullable(),
  referenceLogprobs: blob.nullable(),
  tokenEnds: blob.nullable(),
  anchors: z.string().nullable(),
});
const anchorsSchema = z.array(sampleAnchorSchema);

const rowColumns = `s.id AS id, r.id AS runId, s.step AS step, s.split AS split, s.prompt_index AS promptIndex,
  s.sample_index AS sampleIndex, p.prompt AS prompt, p.reference AS reference, s.text AS text, s.finish AS finish,
  s.tokens AS tokens, s.reward AS reward, s.components AS components`;

export class SampleStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Stores the responses of one step; the caller holds the transaction. Returns their ids in order.
   * @throws Error when a per-token array has another length than the ids.
   */
  insert(run: number, step: number, samples: readonly Sample[]): number[] {
    const insertSample = prepared(
      this.#connection,
      `INSERT INTO samples (run, step, split, prompt_index, sample_index, prompt, text, finish, tokens, reward, components)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const insertTokens = prepared(
      this.#connection,
      'INSERT INTO sample_tokens (sample, ids, sampler_logprobs, logprobs, advantages, entropies, reference_logprobs, token_ends) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    const insertAnchors = prepared(
      this.#connection,
      'INSERT INTO sample_anchors (sample, anchors) VALUES (?, ?)',
    );
    const index = prepared(this.#connection, 'INSERT INTO answer_search (rowid, run, text) VALUES (?, ?, ?)');
    return samples.map((sample) => {
      const arrays = tokenArrays(sample);
      const { lastInsertRowid } = insertSample.run(
        run,
        step,
        splits.indexOf(sample.split),
        sample.promptIndex,
        sample.sampleIndex,
        this.#promptId(run, sample),
        encodeText(sample.text),
        finishes.indexOf(sample.finish),
        sample.ids.length,
        sample.reward.total,
        JSON.stringify(sample.reward.components),
      );
      const id = Number(lastInsertRowid);
      insertTokens.run(id, ...arrays);
      // JSON writes lone surrogates as escapes, so any text comes back exactly.
      if (sample.anchors !== undefined) insertAnchors.run(id, JSON.stringify(sample.anchors));
      index.run(id, runWord(run), sample.text.toWellFormed());
      return id;
    });
  }

  /** One page of the responses that pass the filter, and how many pass it in all. */
  list(run: number, filter: SampleFilter): { rows: SampleRow[]; total: number } {
    const { where, parameters } = sampleCondition(run, filter);
    const total = z
      .object({ total: z.int() })
      .parse(
        this.#connection.prepare(`SELECT count(*) AS total FROM samples s WHERE ${where}`).get(...parameters),
      ).total;
    if (filter.offset >= total) return { rows: [], total };
    // Ids first, from the index alone; the texts of the rows before the page are never read.
    const page = `SELECT s.id AS id FROM samples s WHERE ${where} ORDER BY ${sampleOrder(filter.sort, 's')} LIMIT ? OFFSET ?`;
    const rows = this.#connection
      .prepare(
        `SELECT ${rowColumns} FROM (${page}) page JOIN samples s ON s.id = page.id
         JOIN prompts p ON p.id = s.prompt JOIN runs r ON r.key = s.run ORDER BY ${sampleOrder(filter.sort, 's')}`,
      )
      .all(...parameters, filter.limit, filter.offset);
    return { rows: rows.map(toSampleRow), total };
  }

  /** Rows by id, in the order of `ids`; ids that are not there are left out. */
  rows(ids: readonly number[]): SampleRow[] {
    const statement = prepared(
      this.#connection,
      `SELECT ${rowColumns} FROM samples s JOIN prompts p ON p.id = s.prompt JOIN runs r ON r.key = s.run WHERE s.id = ? AND r.purging = 0`,
    );
    return ids.flatMap((id) => {
      const row = statement.get(id);
      return row === undefined ? [] : [toSampleRow(row)];
    });
  }

  /** One response with its per-token numbers. @throws EspalierError `sample-unknown` */
  get(id: number): SampleDetail {
    const [row] = this.rows([id]);
    const stored = prepared(
      this.#connection,
      `SELECT p.ids AS promptIds, t.ids AS ids, sampler_logprobs AS samplerLogprobs, logprobs, advantages, entropies,
           reference_logprobs AS referenceLogprobs, token_ends AS tokenEnds, a.anchors AS anchors
         FROM samples s JOIN prompts p ON p.id = s.prompt JOIN sample_tokens t ON t.sample = s.id
         LEFT JOIN sample_anchors a ON a.sample = s.id WHERE s.id = ?`,
    ).get(id);
    if (row === undefined || stored === undefined)
      throw userError('sample-unknown', `There is no stored answer ${id}.`);
    const tokens = tokensSchema.parse(stored);
    const optional = (values: Uint8Array | null) => (values === null ? null : [...decodeFloats(values)]);
    return {
      ...row,
      promptIds: [...decodeInts(tokens.promptIds)],
      ids: [...decodeInts(tokens.ids)],
      samplerLogprobs: [...decodeFloats(tokens.samplerLogprobs)],
      logprobs: optional(tokens.logprobs),
      advantages: optional(tokens.advantages),
      entropies: optional(tokens.entropies),
      referenceLogprobs: optional(tokens.referenceLogprobs),
      tokenEnds: tokens.tokenEnds === null ? null : [...decodeInts(tokens.tokenEnds)],
      anchors: tokens.anchors === null ? null : anchorsSchema.parse(JSON.parse(tokens.anchors)),
    };
  }

  /** The steps that have responses, in order. */
  steps(run: number): number[] {
    // Jumps from step to step in the index instead of reading every response.
    const rows = prepared(
      this.#connection,
      `WITH RECURSIVE found (step) AS (
           SELECT min(step) FROM samples WHERE run = @run
           UNION ALL
           SELECT (SELECT min(step) FROM samples WHERE run = @run AND step > found.step) FROM found WHERE found.step IS NOT NULL
         ) SELECT step FROM found WHERE step IS NOT NULL`,
    ).all({ run });
    return rows.map((row) => z.object({ step: z.int() }).parse(row).step);
  }

  /** Removes the responses of steps after `step`; prompts stay, for the run will ask them again. */
  dropAfter(run: number, step: number): void {
    this.#drop('run = ? AND step > ?', run, step);
  }

  /** Removes the evaluation responses of one step, before they are stored anew. */
  dropEvaluation(run: number, step: number): void {
    this.#drop('run = ? AND step = ? AND split = 1', run, step);
  }

  #drop(condition: string, ...parameters: number[]): void {
    const ids = `SELECT id FROM samples WHERE ${condition}`;
    prepared(this.#connection, `DELETE FROM answer_search WHERE rowid IN (${ids})`).run(...parameters);
    prepared(this.#connection, `DELETE FROM sample_tokens WHERE sample IN (${ids})`).run(...parameters);
    prepared(this.#connection, `DELETE FROM sample_anchors WHERE sample IN (${ids})`).run(...parameters);
    prepared(this.#connection, `DELETE FROM samples WHERE ${condition}`).run(...parameters);
  }

  #promptId(run: number, sample: Sample): number {
    const promptIds = encodeArray(sample.promptIds);
    const digest = createHash('sha256')
      .update(`${sample.prompt.length} ${sample.reference.length} `)
      .update(Buffer.from(sample.prompt, 'utf16le'))
      .update(Buffer.from(sample.reference, 'utf16le'))
      .update(promptIds)
      .digest()
      .subarray(0, 16);
    const known = prepared(this.#connection, 'SELECT id FROM prompts WHERE run = ? AND digest = ?').get(
      run,
      digest,
    );
    if (known !== undefined) return z.object({ id: z.int() }).parse(known).id;
    const { lastInsertRowid } = prepared(
      this.#connection,
      'INSERT INTO prompts (run, digest, prompt, reference, ids) VALUES (?, ?, ?, ?, ?)',
    ).run(run, digest, encodeText(sample.prompt), encodeText(sample.reference), promptIds);
    prepared(this.#connection, 'INSERT INTO prompt_search (rowid, run, text) VALUES (?, ?, ?)').run(
      lastInsertRowid,
      runWord(run),
      sample.prompt.toWellFormed(),
    );
    return Number(lastInsertRowid);
  }
}

/** The word by which the full-text indexes know a run. */
function runWord(run: number): string {
  return `r${run}`;
}

function tokenArrays(sample: Sample): (Buffer | null)[] {
  const arrays = [
    sample.samplerLogprobs,
    sample.logprobs,
    sample.advantages,
    sample.entropies,
    sample.referenceLogprobs,
    sample.tokenEnds,
  ];
  return [
    encodeArray(sample.ids),
    ...arrays.map((values) => {
      if (values === undefined) return null;
      if (values.length !== sample.ids.length) {
        throw new Error(
          `internal: an answer of ${sample.ids.length} tokens came with ${values.length} numbers`,
        );
      }
      return encodeArray(values);
    }),
  ];
}

function toSampleRow(row: unknown): SampleRow {
  const stored = rowSchema.parse(row);
  return {
    ...stored,
    split: splits[stored.split],
    finish: finishes[stored.finish],
    prompt: decodeText(stored.prompt),
    reference: decodeText(stored.reference),
    text: decodeText(stored.text),
    components: componentsSchema.parse(JSON.parse(stored.components)),
  };
}
