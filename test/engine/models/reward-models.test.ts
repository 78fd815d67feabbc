/** Reward models against the numbers of transformers: scores, the loss of a pair, and its gradients. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../src-main/models/open-checkpoint.ts';
import { parameterGroups } from '../../../src-main/networks/parameter-groups.ts';
import { expectedTensors, rewardHeadName } from '../../../src-main/models/expected-tensors.ts';
import { ParameterStore } from '../../../src-main/runtime/parameter-store.ts';
import { rewardPairLoss } from '../../../src-main/estimators/reward-pair-loss.ts';
import { createRewardLearner, createRewardScorer } from '../../../src-main/training/reward-learner.ts';
import type { RewardLearner } from '../../../src-main/training/reward-learner.ts';
import { loadRewardModel } from '../../../src-main/training/reward-model-state.ts';
import { readToEnd } from '../../../src-main/training/reward-text.ts';
import { expectClose, largestSize } from '../../helpers/compare.ts';
import {
  openRewardFixture,
  pairReference,
  openRewardStore,
  rewardModelNames,
  textOf,
} from '../../helpers/reward-fixtures.ts';
import type { RewardFixture } from '../../helpers/reward-fixtures.ts';
import { writeStoredAs } from '../../helpers/write-stored-as.ts';

/** Bounds that the numbers were published with (test/fixtures/models/README.md). */
const scoreBound = { absolute: 1e-4 };
const gradientBound = 5e-5;
const relativeBound = { relative: 1e-5 };

const plain = { headOnly: false, centering: 0 };
const optimizer = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0.1,
  clipNorm: null,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-reward-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(rewardModelNames)('%s', (name) => {
  let fixture: RewardFixture;
  let store: ParameterStore;
  let learner: RewardLearner;
  beforeAll(async () => {
    fixture = await openRewardFixture(name);
    store = await openRewardStore(fixture.checkpoint, true);
    const { config, rawConfig } = fixture.checkpoint;
    learner = await createRewardLearner({
      config,
      store,
      microBatchTokens: 4096,
      sourceFolder: fixture.folder,
      rawConfig,
    });
  });
  afterAll(() => learner.dispose());

  const pair = () => {
    const { sequences, chosen, rejected } = fixture.reference;
    return {
      chosen: textOf(sequences[chosen]!),
      rejected: textOf(sequences[rejected]!),
      margin: 0,
      weight: 1,
    };
  };

  it('scores as transformers does, packed into rows', async () => {
    const { sequences, scores } = fixture.reference;
    expectClose(await learner.score(sequences.map((ids) => textOf(ids))), scores, scoreBound, 'scores');
  });

  it('gives the same scores one by one, and with beginnings that are shared', async () => {
    const { sequences, scores } = fixture.reference;
    const { config } = fixture.checkpoint;
    const single = await createRewardScorer({ config, store, microBatchTokens: 32 });
    expectClose(await single.score(sequences.map((ids) => textOf(ids, 5))), scores, scoreBound, 'alone');
    // Two texts with the same first tokens, one of them no longer than these.
    const [first] = sequences;
    const branches = [
      textOf(first!, 9),
      textOf(first!.slice(0, 9), 9),
      textOf([...first!.slice(0, 9), 7], 9),
    ];
    const apart: number[] = [];
    for (const branch of branches) {
      const ids = [...branch.promptIds, ...branch.answerIds];
      apart.push((await single.score([textOf(ids)]))[0]!);
    }
    expectClose(await learner.score(branches), apart, scoreBound, 'shared');
    await single.dispose();
  });

  it('reads a padded text at its last real token', async () => {
    const { sequences, scores, padId } = fixture.reference;
    const { config } = fixture.checkpoint;
    expect(config.padId).toBe(padId);
    const right = sequences.map((ids) => readToEnd(Int32Array.from([...ids, padId, padId]), config.padId));
    expectClose(
      await learner.score(right.map((ids) => textOf([...ids]))),
      scores,
      scoreBound,
      'padded right',
    );
  });

  it('has the loss of the pair and its gradients', async () => {
    const { loss, scores } = await learner.accumulate([pair()], plain);
    expectClose([loss], [fixture.reference.pairLoss], relativeBound, 'loss');
    const [chosen, rejected] = scores;
    const exact = rewardPairLoss([{ chosen: chosen!, rejected: rejected!, margin: 0 }], plain);
    expectClose([loss], [exact.loss], relativeBound, 'loss in double precision');
    for (const { name: parameter } of store.parameters) {
      const expected = await fixture.tensor(`grad.pair/${parameter}`);
      const bound = { absolute: gradientBound * largestSize(expected) };
      expectClose(store.gradient(parameter), expected, bound, parameter);
    }
    learner.step({ ...optimizer, learningRate: 0 });
  });

  it('learns from pairs with margins as torch does, centering included', async () => {
    const { checkpoint, folder: source, reference } = fixture;
    const { config, rawConfig } = checkpoint;
    const fresh = await openRewardStore(checkpoint, true);
    const other = await createRewardLearner({
      config,
      store: fresh,
      // Pairs are spread over several passes, whose gradients are added up.
      microBatchTokens: 64,
      sourceFolder: source,
      rawConfig,
    });
    const { pairs, margins, centering, adamw, network } = pairReference;
    const expected = network.find(({ model }) => model === name)!;
    const given = pairs.map(([chosen, rejected], place) => ({
      chosen: textOf(reference.sequences[chosen]!),
      rejected: textOf(reference.sequences[rejected]!),
      margin: margins[place]!,
      weight: 1 / pairs.length,
    }));
    const spec = { headOnly: false, centering };
    const { loss } = await other.accumulate(given, spec);
    expectClose([loss], [expected.loss], relativeBound, 'loss');
    for (const [parameter, norm] of Object.entries(expected.gradientNorms)) {
      const found = Math.sqrt(fresh.gradient(parameter).reduce((sum, value) => sum + value * value, 0));
      expectClose([found], [norm], { relative: 1e-4, absolute: 1e-6 }, `norm of ${parameter}`);
    }
    other.step({ ...optimizer, ...adamw, weightDecay: 0 });
    expectClose(
      [(await other.accumulate(given, spec)).loss],
      [expected.lossAfter],
      { relative: 5e-5 },
      'loss after',
    );
    await other.dispose();
  });

  it('trains the head alone, and leaves everything else as it was', async () => {
    const { config, rawConfig } = fixture.checkpoint;
    const groups = parameterGroups(expectedTensors(config));
    const isHead = (group: (typeof groups)[number]): boolean => group[0]?.name === rewardHeadName;
    const head = await ParameterStore.create(groups.filter(isHead), true);
    const frozen = await ParameterStore.create(
      groups.filter((group) => !isHead(group)),
      false,
    );
    await loadRewardModel([head, frozen], fixture.checkpoint);
    const before = frozen.copyWeights();
    const probe = await createRewardLearner({
      config,
      store: head,
      frozen,
      microBatchTokens: 4096,
      sourceFolder: fixture.folder,
      rawConfig,
    });
    const spec = { ...plain, headOnly: true };
    const { loss } = await probe.accumulate([pair()], spec);
    expectClose([loss], [fixture.reference.pairLoss], relativeBound, 'loss');
    const expected = await fixture.tensor(`grad.pair/${rewardHeadName}`);
    const bound = { absolute: gradientBound * largestSize(expected) };
    expectClose(head.gradient(rewardHeadName), expected, bound, 'gradient of the head');
    probe.step(optimizer);
    expect(frozen.copyWeights()).toEqual(before);
    expect((await probe.accumulate([pair()], spec)).loss).toBeLessThan(loss);
    await probe.dispose();
  });

  it.each(['BF16', 'F16'] as const)('reads weights stored as %s', async (type) => {
    const rounded = join(folder, `${name}-${type}`);
    await writeStoredAs(fixture.checkpoint, store, type, rounded);
    const checkpoint = await openCheckpoint(rounded);
    const narrow = await openRewardStore(checkpoint, false);
    const scorer = await createRewardScorer({
      config: checkpoint.config,
      store: narrow,
      microBatchTokens: 4096,
    });
    const { sequences, scores } = fixture.reference;
    const found = await scorer.score(sequences.map((ids) => textOf(ids)));
    // Weights of 8 or 11 significant bits; the scores follow.
    expectClose(found, scores, { absolute: type === 'BF16' ? 0.1 : 0.02 }, type);
    expect([...found]).not.toEqual([...(await learner.score(sequences.map((ids) => textOf(ids))))]);
    await scorer.dispose();
  });
});
