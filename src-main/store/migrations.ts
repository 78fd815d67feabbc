/**
 * The shape of the database, as numbered steps. A step that has been released is never changed: a new
 * one is added at the end. docs/store.md tells the tables in words.
 */

/** SQL of each version, from 1; version n is reached by running entry n − 1 on version n − 1. */
export const migrations: readonly string[] = [
  /* sql */ `
  CREATE TABLE runs (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    experiment_id TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'stopping', 'stopped', 'done', 'failed')),
    estimator TEXT NOT NULL,
    seed INTEGER NOT NULL,
    config TEXT NOT NULL,
    created_at REAL NOT NULL,
    queued_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    step INTEGER NOT NULL DEFAULT 0,
    steps INTEGER NOT NULL,
    reward REAL,
    score REAL,
    best_score REAL,
    phase TEXT,
    sparkline TEXT NOT NULL DEFAULT '[]',
    facts TEXT,
    summary TEXT,
    error TEXT,
    deleted_at REAL,
    purging INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE metric_sets (
    id INTEGER PRIMARY KEY,
    names TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE steps (
    run INTEGER NOT NULL REFERENCES runs (key),
    step INTEGER NOT NULL,
    at REAL NOT NULL,
    metric_set INTEGER NOT NULL REFERENCES metric_sets (id),
    metrics BLOB NOT NULL,
    PRIMARY KEY (run, step)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE evaluations (
    run INTEGER NOT NULL REFERENCES runs (key),
    step INTEGER NOT NULL,
    score REAL NOT NULL,
    components TEXT NOT NULL,
    count INTEGER NOT NULL,
    seconds REAL NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (run, step)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE checkpoints (
    run INTEGER NOT NULL REFERENCES runs (key),
    role TEXT NOT NULL CHECK (role IN ('best', 'last')),
    step INTEGER NOT NULL,
    path TEXT NOT NULL,
    score REAL,
    at REAL NOT NULL,
    PRIMARY KEY (run, role)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    at REAL NOT NULL,
    level TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
    message TEXT NOT NULL
  ) STRICT;
  CREATE INDEX log_by_run ON log (run, id);

  -- A question is stored once for each run, however many answers it gets. Text columns of type ANY hold
  -- TEXT, or UTF-16 bytes where the text has lone surrogates, which UTF-8 cannot hold (stored-text.ts).
  CREATE TABLE prompts (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    digest BLOB NOT NULL,
    prompt ANY NOT NULL,
    reference ANY NOT NULL,
    ids BLOB NOT NULL,
    UNIQUE (run, digest)
  ) STRICT;

  CREATE TABLE samples (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (key),
    step INTEGER NOT NULL,
    split INTEGER NOT NULL CHECK (split IN (0, 1)),
    prompt_index INTEGER NOT NULL,
    sample_index INTEGER NOT NULL,
    prompt INTEGER NOT NULL REFERENCES prompts (id),
    text ANY NOT NULL,
    finish INTEGER NOT NULL CHECK (finish IN (0, 1)),
    tokens INTEGER NOT NULL,
    reward REAL,
    components TEXT NOT NULL
  ) STRICT;
  -- These two hold all that filters ask about, so that counting and paging never read the texts.
  CREATE INDEX samples_by_step ON samples (run, step, id, split, finish, reward, prompt_index, tokens, prompt);
  CREATE INDEX samples_by_reward ON samples (run, reward, id, step, split, finish, prompt_index, tokens, prompt);
  CREATE INDEX samples_by_prompt ON samples (prompt);

  -- Token ids and per-token numbers, apart from the rows that lists read.
  CREATE TABLE sample_tokens (
    sample INTEGER PRIMARY KEY REFERENCES samples (id),
    ids BLOB NOT NULL,
    sampler_logprobs BLOB NOT NULL,
    logprobs BLOB,
    advantages BLOB,
    entropies BLOB,
    reference_logprobs BLOB,
    token_ends BLOB
  ) STRICT;

  -- Full-text indexes without a copy of the text; the column run holds the word 'r' and the run's key.
  CREATE VIRTUAL TABLE prompt_search USING fts5 (
    run, text, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
  );
  CREATE VIRTUAL TABLE answer_search USING fts5 (
    run, text, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
  );
  `,
  /* sql */ `
  -- Places inside an answer with their continuations, as JSON; only where a method looked into answers.
  CREATE TABLE sample_anchors (
    sample INTEGER PRIMARY KEY REFERENCES samples (id),
    anchors TEXT NOT NULL
  ) STRICT;
  `,
  /* sql */ `
  -- Datasets that the user imported: where their files lie and what was found in them, not the rows.
  CREATE TABLE datasets (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    mapping TEXT,
    created_at REAL NOT NULL,
    deleted_at REAL
  ) STRICT;

  -- A version is a content: its hash. The one imported last is the present one.
  CREATE TABLE dataset_versions (
    key INTEGER PRIMARY KEY,
    dataset INTEGER NOT NULL REFERENCES datasets (key) ON DELETE CASCADE,
    version TEXT NOT NULL,
    path TEXT NOT NULL,
    kept INTEGER NOT NULL CHECK (kept IN (0, 1)),
    bytes REAL NOT NULL,
    row_count INTEGER NOT NULL,
    columns TEXT NOT NULL,
    duplicates TEXT,
    warnings TEXT NOT NULL,
    files TEXT NOT NULL,
    imported_at REAL NOT NULL,
    UNIQUE (dataset, version)
  ) STRICT;

  -- Folders in which the user keeps models.
  CREATE TABLE model_folders (
    path TEXT PRIMARY KEY,
    added_at REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  /* sql */ `
  -- Rewards that the user keeps, as experiments hold them.
  CREATE TABLE rewards (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    reward TEXT NOT NULL,
    changed_at REAL NOT NULL,
    deleted_at REAL
  ) STRICT, WITHOUT ROWID;
  `,
  /* sql */ `
  -- What judges replied, by the hash of server, model, settings and messages. No key is in it.
  CREATE TABLE judge_cache (
    hash BLOB PRIMARY KEY,
    reply TEXT NOT NULL,
    created_at REAL NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX judge_cache_by_time ON judge_cache (created_at, bytes);
  `,
];
