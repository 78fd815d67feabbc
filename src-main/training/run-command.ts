/** Does what a host asks of the trainer program: a run, or a job without one. */
import type { RunConfig } from '../contract/experiment.ts';
import type { Checkpoint } from '../models/checkpoint.ts';
import { openCheckpoint } from '../models/open-checkpoint.ts';
import { readModelConfig } from '../models/read-config.ts';
import { requireLanguageModel } from '../models/use.ts';
import { createSampler } from '../rollout/create-sampler.ts';
import { createParameterStore, loadWeights } from '../runtime/load-weights.ts';
import { chooseMicroBatchTokens } from '../runtime/memory-estimate.ts';
import type { ParameterStore } from '../runtime/parameter-store.ts';
import { readsInPlace, storedWeights } from '../runtime/weights.ts';
import { createLearner } from './compiled-learner.ts';
import { generateJob } from './generate-job.ts';
import { gradeJob, preflightJob } from './grade-job.ts';
import { gradientJob } from './gradient-job.ts';
import { prepareRewardRun, trainsRewardModel } from './prepare-reward-run.ts';
import { prepareRun } from './prepare-run.ts';
import type { RunSurroundings } from './prepare-run.ts';
import { openRewardModel } from './open-reward-model.ts';
import { rewardScoreJob } from './reward-score-job.ts';
import { externalGraders } from './reward-graders.ts';
import { openText } from './prepare-text.ts';
import type { OpenedText } from './prepare-text.ts';
import { scoreJob } from './score-job.ts';
import type { WorkCommand } from './serve-commands.ts';
import { tokenizeJob } from './tokenize-job.ts';
import { trainLoop } from './train-loop.ts';

/** Length for which the batches of a `score` job are planned; longer rows go alone. */
const usualRowTokens = 512;
/** Lines that functions printed and that are told of a job. */
const mostPrinted = 200;

/**
 * Does one command to its end; what cannot be done is thrown. A run that has begun reports its own errors, with what it
 * reached. Sessions are left to the end of the process, which comes next: an error while freeing them must not make a
 * finished run look failed.
 */
export async function runCommand(command: WorkCommand, surroundings: RunSurroundings): Promise<void> {
  switch (command.type) {
    case 'train': {
      const run = trainsRewardModel(command.config)
        ? await prepareRewardRun(command.config, surroundings)
        : await prepareRun(command.config, surroundings);
      await trainLoop(run.parts, command.runDirectory, command.resumeFrom);
      return;
    }
    case 'lab': {
      const run = await prepareRun(command.config, surroundings);
      await gradientJob(command, run);
      return;
    }
    case 'preflight': {
      const run = await prepareRun(command.config, surroundings);
      await preflightJob(command, run.parts, run.external, surroundings);
      return;
    }
    case 'grade': {
      let printed = 0;
      const graders = externalGraders(surroundings, 0, (lines) => {
        const told = lines.slice(0, Math.max(0, mostPrinted - printed));
        printed += told.length;
        if (told.length > 0) surroundings.emit({ type: 'printed', lines: told });
      });
      await graders.load(command.reward);
      await gradeJob(command, graders.external, surroundings);
      await graders.dispose();
      return;
    }
    case 'generate': {
      const { checkpoint, text } = await openModel(command.model, surroundings);
      const inPlace = readsInPlace(checkpoint) ? storedWeights(checkpoint) : null;
      const weights = inPlace ?? (await readWeights(checkpoint));
      const sampler = await createSampler({ config: checkpoint.config, weights });
      await generateJob(command, text, sampler, surroundings);
      return;
    }
    case 'tokenize': {
      const { config } = await readModelConfig(command.model.path);
      await tokenizeJob(
        command,
        await openText(command.model.path, config, command.model.chat),
        surroundings,
      );
      return;
    }
    case 'score': {
      const { config: kind } = await readModelConfig(command.model.path);
      if (kind.rewardHead) {
        surroundings.emit({ type: 'phase', phase: 'loading' });
        const { path, chat } = command.model;
        const model = await openRewardModel(path, surroundings.availableMemory(), chat);
        await rewardScoreJob(command, model.checkpoint.config, model.text, model.scorer, surroundings);
        return;
      }
      const { checkpoint, text } = await openModel(command.model, surroundings);
      const { config, folder } = checkpoint;
      const learner = await createLearner({
        config,
        store: await readWeights(checkpoint),
        microBatchTokens: chooseMicroBatchTokens(config, usualRowTokens, surroundings.availableMemory()),
        sourceFolder: folder,
      });
      await scoreJob(command, text, learner, surroundings);
      return;
    }
  }
}

async function openModel(
  model: RunConfig['model'],
  { emit }: RunSurroundings,
): Promise<{ checkpoint: Checkpoint; text: OpenedText }> {
  emit({ type: 'phase', phase: 'loading' });
  const checkpoint = await openCheckpoint(model.path);
  requireLanguageModel(checkpoint.config, model.path);
  return { checkpoint, text: await openText(model.path, checkpoint.config, model.chat) };
}

async function readWeights(checkpoint: Checkpoint): Promise<ParameterStore> {
  const store = await createParameterStore(checkpoint.config, false);
  await loadWeights(store, checkpoint);
  return store;
}
