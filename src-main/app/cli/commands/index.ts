/** Every command of the command line, in the order of the overview. */
import type { Command } from '../command.ts';
import { bench } from './bench.ts';
import { doctor } from './doctor.ts';
import { exportCommand } from './export.ts';
import { fetchCommand } from './fetch.ts';
import { generate } from './generate.ts';
import { judge } from './judge.ts';
import { lab } from './lab.ts';
import { metrics } from './metrics.ts';
import { models } from './models.ts';
import { rescore } from './rescore.ts';
import { rewardBench } from './reward-bench.ts';
import { reward } from './reward.ts';
import { runs } from './runs.ts';
import { samples } from './samples.ts';
import { score } from './score.ts';
import { serve } from './serve.ts';
import { show } from './show.ts';
import { start } from './start.ts';
import { train } from './train.ts';

export const commands: readonly Command[] = [
  start,
  serve,
  train,
  runs,
  show,
  metrics,
  samples,
  models,
  fetchCommand,
  generate,
  score,
  reward,
  rewardBench,
  rescore,
  judge,
  lab,
  exportCommand,
  doctor,
  bench,
];
