/** What the host does with rewards outside runs: keeps them, tries them on answers, grades stored runs anew. */
import { rescoreReport } from '../../analysis/rescore.ts';
import { rewardBenchReport } from '../../analysis/reward-bench.ts';
import { userError } from '../../contract/errors.ts';
import type { TrainerCommand } from '../../contract/events.ts';
import { expandExperiment } from '../../contract/expand-experiment.ts';
import type { JobResult } from '../../contract/jobs.ts';
import type {
  BenchSource,
  GradedAnswer,
  RescoreReport,
  RewardBenchReport,
} from '../../contract/reward-bench.ts';
import type { RewardConfig } from '../../contract/reward.ts';
import { componentNames } from '../../rewards/combine.ts';
import type { Store } from '../../store/store.ts';
import {
  modelFolder,
  resolveExperimentPaths,
  rewardWithFolders,
  trainerConfig,
} from '../experiment-paths.ts';
import type { JudgeService } from '../judge/judge-service.ts';
import type { JobBoard, JobReport } from '../job-board.ts';
import type { SpawnTrainer } from '../trainer-child.ts';
import { runTrainerJob } from '../trainer-job.ts';
import type { TrainerTimes } from '../trainer-process.ts';
import { givenAnswers, storedAnswers } from './bench-answers.ts';

export interface WorkshopOptions {
  readonly store: Store;
  readonly jobs: JobBoard;
  readonly spawnTrainer: SpawnTrainer;
  readonly times: TrainerTimes;
  readonly judges: JudgeService;
  /** The reward with the words of the rubrics that it names. */
  readonly withRubrics: (reward: RewardConfig) => RewardConfig;
  /** Folder of the models that ship. */
  readonly builtinModels: string;
}

export interface BenchRequest {
  readonly reward: RewardConfig;
  readonly source: BenchSource;
  readonly planted: boolean;
}

type GradeCommand = Extract<TrainerCommand, { type: 'grade' | 'preflight' }>;

interface Graded {
  readonly answers: GradedAnswer[];
  readonly componentSeconds: readonly number[];
  readonly printed: readonly string[];
  readonly seconds: number;
}

/** Reports that are kept; the oldest goes first. */
const keptReports = 10;

export class RewardWorkshop {
  readonly #options: WorkshopOptions;
  readonly #benches = new Map<string, RewardBenchReport>();
  readonly #rescores = new Map<string, RescoreReport>();

  constructor(options: WorkshopOptions) {
    this.#options = options;
  }

  /** Grades answers and planted cheats, in a job; gives its id. */
  startBench({ reward: named, source, planted }: BenchRequest): string {
    const { jobs, store } = this.#options;
    const reward = this.#options.withRubrics(named);
    const id: string = jobs.start({
      kind: 'bench',
      title: benchTitles[source.from],
      unit: 'percent',
      canPause: false,
      run: async ({ signal, report }): Promise<JobResult> => {
        const command = await this.#benchCommand(reward, source, planted, store);
        const graded = await this.#grade(command, signal, report);
        const found = rewardBenchReport({
          from: source.from,
          // As it was given, so that a window can tell whether it was changed since.
          reward: named,
          names: componentNames(reward),
          ...graded,
        });
        keep(this.#benches, id, found);
        return { kind: 'bench' };
      },
    });
    return id;
  }

  /** Grades the stored answers of a run by another reward, in a job; gives its id. */
  startRescore(runId: string, named: RewardConfig, limit: number): string {
    const { jobs, store } = this.#options;
    const reward = this.#options.withRubrics(named);
    const { name } = store.runs.get(runId);
    const id: string = jobs.start({
      kind: 'rescore',
      title: name,
      unit: 'percent',
      canPause: false,
      run: async ({ signal, report }): Promise<JobResult> => {
        report({ detail: 'Reading answers' });
        const { answers, warning } = await storedAnswers(store, runId, limit);
        if (answers.length === 0) {
          throw userError('rescore-nothing', 'The run has no stored training answers to grade.', {
            where: name,
            advice: 'Choose a run that samples answers, and that has done at least one step.',
          });
        }
        const { budget } = store.runs.more(runId).config;
        const graded = await this.#grade(
          {
            type: 'grade',
            reward,
            answers: answers.map(({ answer }) => answer),
            planted: false,
            maxTokens: budget.maxTokens,
          },
          signal,
          report,
        );
        keep(
          this.#rescores,
          id,
          rescoreReport(
            runId,
            answers.map(({ sample }, place) => ({
              sampleId: sample.id,
              step: sample.step,
              prompt: sample.prompt,
              text: sample.text,
              before: sample.reward,
              after: graded.answers[place]?.total ?? null,
              components: graded.answers[place]?.components ?? [],
            })),
            graded.seconds,
            warning,
          ),
        );
        return { kind: 'rescore' };
      },
    });
    return id;
  }

  /** @throws EspalierError `job-unknown`, `job-not-done` */
  benchReport(jobId: string): RewardBenchReport {
    return this.#benches.get(jobId) ?? this.#missing(jobId);
  }

  /** @throws EspalierError `job-unknown`, `job-not-done` */
  rescoreReport(jobId: string): RescoreReport {
    return this.#rescores.get(jobId) ?? this.#missing(jobId);
  }

  #missing(jobId: string): never {
    const { state } = this.#options.jobs.get(jobId);
    throw userError('job-not-done', `There is no report of this job: it is ${state}.`, {
      advice: state === 'running' ? 'Wait until it is done.' : 'Start it again.',
    });
  }

  async #benchCommand(
    reward: RewardConfig,
    source: BenchSource,
    planted: boolean,
    store: Store,
  ): Promise<GradeCommand> {
    if (source.from === 'model') {
      const experiment = resolveExperimentPaths({ ...source.experiment, reward }, process.cwd());
      const [first] = expandExperiment(experiment);
      if (first === undefined) throw new Error('internal: an experiment without runs');
      const config = trainerConfig(first.config, this.#options.builtinModels);
      return { type: 'preflight', config, questions: source.questions, planted };
    }
    const answers = await givenAnswers(source, store);
    if (answers.length === 0) {
      throw userError('bench-nothing', 'There are no answers to grade.', {
        advice: 'Paste some, or choose a dataset, a run with stored answers, or a model.',
      });
    }
    return { type: 'grade', reward, answers, planted, maxTokens: null };
  }

  /** Reward models by their folders, as the trainer reads them. */
  #withFolders(command: GradeCommand): GradeCommand {
    if (command.type === 'preflight') return command;
    const { builtinModels } = this.#options;
    return {
      ...command,
      reward: rewardWithFolders(command.reward, (path) => modelFolder(path, builtinModels)),
    };
  }

  async #grade(
    command: GradeCommand,
    signal: AbortSignal,
    report: (report: JobReport) => void,
  ): Promise<Graded> {
    const { spawnTrainer, times, judges } = this.#options;
    const judge = judges.session();
    const answers: GradedAnswer[] = [];
    let componentSeconds: readonly number[] = [];
    const printed: string[] = [];
    let seconds = 0;
    report({
      detail: command.type === 'grade' ? 'Grading answers' : 'Loading the model',
      done: 0,
      total: 100,
    });
    await runTrainerJob({ spawnTrainer, times, judge }, this.#withFolders(command), signal, (event) => {
      if (event.type === 'graded') answers.push(...event.answers);
      else if (event.type === 'grade-seconds') componentSeconds = event.components;
      else if (event.type === 'printed') printed.push(...event.lines);
      else if (event.type === 'job-end') seconds = event.seconds;
      else if (event.type === 'phase') {
        const detail = event.detail ?? phaseTexts[event.phase];
        report({
          ...(detail === undefined ? {} : { detail }),
          ...(event.done === undefined ? {} : { done: 100 * event.done }),
        });
      }
    });
    return { answers, componentSeconds, printed, seconds };
  }
}

const benchTitles: Readonly<Record<BenchSource['from'], string>> = {
  pasted: 'Pasted answers',
  references: 'Right answers of the data',
  run: 'Answers of a run',
  model: 'Answers of the model now',
};
const phaseTexts: Readonly<Record<string, string | undefined>> = {
  loading: 'Loading the model',
  compiling: 'Preparing the model',
};

function keep<T>(reports: Map<string, T>, id: string, report: T): void {
  reports.set(id, report);
  const [oldest] = reports.keys();
  if (reports.size > keptReports && oldest !== undefined) reports.delete(oldest);
}
