/**
 * Fills a store with runs as if they had been trained: a good one, a failed one, a waiting one with a very long
 * name, and one of 50,000 steps; answers hold right-to-left text, emoji and markup. The same numbers each time.
 */
import type { Sample } from '../../src-main/contract/events.ts';
import { runConfigSchema, type RunConfig } from '../../src-main/contract/experiment.ts';
import type { Store } from '../../src-main/store/store.ts';

export const recordedIds = {
  done: 'done-run',
  failed: 'failed-run',
  queued: 'queued-run',
  long: 'long-run',
} as const;

/** Names and texts that must be shown as they are. */
export const trickyTexts = {
  markup: '<img src=x onerror="document.title=\'broken\'"><b>bold</b>',
  rightToLeft: 'כמה זה שבע ועוד חמש? التحقق ١٢',
  emoji: '👩‍🔬🧮 7 + 5 = 1️⃣2️⃣',
  longWord: 'Donaudampfschifffahrtsgesellschaftskapitän'.repeat(6),
};

/** Numbers between 0 and 1 that are the same each time (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function config(name: string, estimator: RunConfig['method']['estimator'], steps: number): RunConfig {
  return runConfigSchema.parse({
    version: 1,
    name,
    model: { path: 'builtin:starter' },
    data: { path: '/data/addition.jsonl', evaluation: '/data/addition-test.jsonl' },
    reward: { components: [{ kind: 'number' }, { kind: 'exact', weight: 0.2 }] },
    method: { estimator, groupSize: 8, learningRate: 1e-4 },
    budget: { steps, promptsPerStep: 32, maxTokens: 8 },
    seed: 1,
  });
}

function stepMetrics(progress: number, random: () => number): Record<string, number> {
  const reward = 0.4 + 0.55 * (1 - Math.exp(-progress * 3.2)) + (random() - 0.5) * 0.09;
  return {
    rewardMean: Math.min(1, reward),
    'reward.number': Math.min(1, reward),
    'reward.exact': Math.min(1, reward * 0.97),
    rewardStd: 0.45 - 0.3 * progress,
    rewardGroupStd: 0.3 - 0.22 * progress + random() * 0.02,
    zeroVarianceShare: 0.1 + 0.6 * progress * random(),
    ungradableShare: 0,
    lengthMean: 4.2 + random() * 0.2 - progress,
    lengthMax: 8,
    truncatedShare: Math.max(0, 0.06 - progress * 0.08 + random() * 0.01),
    entropyMean: 0.62 * Math.exp(-2 * progress) + random() * 0.02,
    approxKl: 2e-4 + random() * 1e-4,
    gradientNorm: 0.6 + random() * 0.5 + (random() > 0.985 ? 2 : 0),
    loss: (random() - 0.5) * 0.02,
    samplerLogpGapMean: 3e-7 + random() * 1e-7,
    generatedTokensPerSecond: 9100 + random() * 900,
    secondsStep: 0.41 + random() * 0.05,
    secondsGenerate: 0.19 + random() * 0.02,
    secondsLearn: 0.2 + random() * 0.02,
    memoryResident: 4.1e8 + progress * 2e7,
    learningRate: 1e-4,
    generatedTokens: 1100,
    updates: 1,
  };
}

function makeSample(place: number, text: string, total: number, reference: string, prompt: string): Sample {
  const characters = [...text];
  const count = characters.length + 1;
  const ends: number[] = [];
  let end = 0;
  for (const character of characters) ends.push((end += character.length));
  ends.push(end);
  const wave = (scale: number, shift: number): Float32Array =>
    Float32Array.from({ length: count }, (_, index) => scale * Math.sin(place + index * 1.7 + shift));
  const sampler = Float32Array.from(
    { length: count },
    (_, index) => -Math.abs(1.4 * Math.sin(place * 3 + index)),
  );
  return {
    split: 'train',
    promptIndex: Math.floor(place / 8),
    sampleIndex: place % 8,
    prompt,
    reference,
    promptIds: Int32Array.from([...prompt], (character) => character.charCodeAt(0) % 90),
    ids: Int32Array.from({ length: count }, (_, index) => (index === count - 1 ? 2 : 10 + index)),
    text,
    finish: place % 11 === 10 ? 'length' : 'stop',
    reward: {
      total,
      components: [
        {
          name: 'number',
          value: total,
          reason: total > 0 ? `equals ${reference}` : `not equal to ${reference}`,
        },
        { name: 'exact', value: total, reason: total > 0 ? 'the same text' : 'another text' },
      ],
    },
    samplerLogprobs: sampler,
    logprobs: sampler.map((value) => value + 3e-7),
    advantages: wave(total > 0 ? 1 : -1, 0).map((value) => value + (total > 0 ? 0.6 : -0.6)),
    entropies: wave(0.7, 1).map(Math.abs),
    tokenEnds: Int32Array.from(ends),
  };
}

function stepSamples(step: number, progress: number, random: () => number): Sample[] {
  const tricky = Object.values(trickyTexts);
  let a = 0;
  let b = 0;
  return Array.from({ length: 32 }, (_, place) => {
    if (place % 8 === 0) {
      a = Math.floor(random() * 90) + 10;
      b = Math.floor(random() * 90) + 10;
    }
    const right = random() < 0.42 + 0.52 * progress;
    const text = String(right ? a + b : a + b + (random() < 0.5 ? 10 : -1));
    if (step === 1 && place < tricky.length) {
      return makeSample(
        place,
        tricky[place] ?? '',
        0,
        String(a + b),
        place === 1 ? trickyTexts.rightToLeft : `${a}+${b}=`,
      );
    }
    return makeSample(place, text, right ? 1 : 0, String(a + b), `${a}+${b}=`);
  });
}

function fill(store: Store, id: string, steps: number, from: number, sampleEvery: number): void {
  const key = store.runs.key(id);
  const random = randomNumbers(steps + id.length);
  store.transaction(() => {
    for (let step = 1; step <= steps; step += 1) {
      store.metrics.put(key, step, stepMetrics(step / steps, random), from + step * 410);
      if (step % sampleEvery === 1 || sampleEvery === 1) {
        store.samples.insert(key, step, stepSamples(step, step / steps, random));
      }
    }
    const evaluations = Math.min(16, steps);
    for (let index = 0; index <= evaluations; index += 1) {
      const progress = index / evaluations;
      store.runs.putEvaluation(id, {
        step: Math.round(progress * steps),
        score: 0.45 + 0.5 * (1 - Math.exp(-progress * 3.4)),
        components: { number: 0.9 },
        count: 256,
        seconds: 0.4,
        at: from + progress * steps * 410,
      });
    }
    store.runs.addLog(id, {
      at: from,
      level: 'info',
      message: 'Loaded the model: Llama, 3,211,264 parameters, all trained.',
    });
    store.runs.addLog(id, {
      at: from + 900,
      level: 'warning',
      message: '12 rows were left out: the question has more than 512 tokens.',
    });
    store.runs.addLog(id, { at: from + 2000, level: 'info', message: 'First step done.' });
  });
}

const facts = {
  family: 'Llama',
  parameters: 3_211_264,
  modelHash: 'sha256:5f2c9a',
  trainRows: 18_000,
  evaluationRows: 256,
  droppedRows: 12,
  dataHash: 'sha256:c0ffee',
  estimatedMemory: 4.4e8,
  device: 'cpu',
};

const curve = Array.from({ length: 60 }, (_, index) => 0.4 + 0.55 * (1 - Math.exp((-index / 60) * 3.2)));

/** Writes all recorded runs. `now` is milliseconds since 1970. `longSteps` is the length of the long run. */
export function recordRuns(store: Store, now: number, longSteps = 50_000): void {
  const minute = 60_000;
  const longName = `Addition, ${trickyTexts.longWord} ${trickyTexts.rightToLeft} ${trickyTexts.emoji}`.slice(
    0,
    199,
  );
  const insert = (
    id: string,
    name: string,
    estimator: RunConfig['method']['estimator'],
    steps: number,
    age: number,
  ): void => {
    store.runs.insert({
      id,
      experimentId: `experiment-${id}`,
      name,
      config: config(name, estimator, steps),
      createdAt: now - age,
    });
  };
  insert(recordedIds.long, 'Fifty thousand steps', 'grpo', longSteps, 900 * minute);
  fill(store, recordedIds.long, longSteps, now - 900 * minute, Math.ceil(longSteps / 4));
  store.runs.update(recordedIds.long, {
    status: 'stopped',
    startedAt: now - 900 * minute,
    endedAt: now - 300 * minute,
    step: longSteps,
    reward: 0.93,
    score: 0.93,
    bestScore: 0.94,
    sparkline: curve,
    facts,
  });
  insert(recordedIds.failed, 'Copy rule with RLOO', 'rloo', 200, 90 * minute);
  fill(store, recordedIds.failed, 37, now - 90 * minute, 6);
  store.runs.update(recordedIds.failed, {
    status: 'failed',
    startedAt: now - 90 * minute,
    endedAt: now - 88 * minute,
    step: 37,
    reward: 0.61,
    score: 0.58,
    bestScore: 0.58,
    sparkline: curve.slice(0, 12),
    facts,
    error: {
      kind: 'environment',
      code: 'trainer-crashed',
      message: 'The trainer ended unexpectedly (signal SIGKILL). Its last words: “allocating 2.1 GB”.',
      advice: 'Most likely the memory ran out. Close other programs, or lower “Tokens at once”, then resume.',
      details: 'exit code: null\nsignal: SIGKILL',
    },
  });
  store.runs.putCheckpoint(recordedIds.failed, {
    role: 'last',
    step: 30,
    path: '/runs/failed-run/last',
    score: null,
    at: now - 88 * minute,
  });
  insert(recordedIds.done, 'Addition with Dr. GRPO', 'dr-grpo', 400, 12 * minute);
  fill(store, recordedIds.done, 400, now - 12 * minute, 4);
  store.runs.update(recordedIds.done, {
    status: 'done',
    startedAt: now - 12 * minute,
    endedAt: now - 9 * minute,
    step: 400,
    reward: 0.94,
    score: 0.9336,
    bestScore: 0.9414,
    sparkline: curve,
    facts,
    summary: {
      before: 0.45,
      after: 0.9336,
      best: 0.9414,
      bestStep: 375,
      steps: 400,
      answers: 102_400,
      generatedTokens: 440_320,
      seconds: 172.4,
      generatedTokensPerSecond: 9_540,
      peakMemory: 4.3e8,
    },
  });
  for (const [role, step] of [
    ['best', 375],
    ['last', 400],
  ] as const) {
    store.runs.putCheckpoint(recordedIds.done, {
      role,
      step,
      path: `/home/me/Espalier/runs/done-run/checkpoints/${role}`,
      score: 0.94,
      at: now - 9 * minute,
    });
  }
  insert(recordedIds.queued, longName, 'remax', 300, minute);
}
