/** `espalier rescore REWARD.json RUN`: what another reward says of the answers of a past run, without training. */
import { defineCommand, exitCodes } from '../command.ts';
import { followJob } from '../follow-job.ts';
import { findRun, openServices } from '../open-services.ts';
import { readReward } from '../reward-file.ts';
import { formatNumber, renderTable } from '../table.ts';

const stepsShown = 20;
const movedShown = 10;

export const rescore = defineCommand({
  name: 'rescore',
  summary: 'grade the answers of a past run by another reward',
  about: [
    'Applies a reward to the stored training answers of a run, without training: the mean of the old and of the new reward in each step, how alike they rank the answers, and the answers whose rank changed most.',
  ],
  positionals: [
    { name: 'REWARD.json', help: 'a reward, or an experiment file' },
    { name: 'RUN', help: 'a run by its name, the beginning of it, or "last"' },
  ],
  options: {
    limit: {
      type: 'integer',
      help: 'Most answers, evenly from all steps.',
      minimum: 1,
      maximum: 100_000,
      fallback: '20000',
    },
  },
  examples: [
    { line: 'espalier rescore shorter.json last', meaning: 'what a stricter reward would have said' },
  ],
  run: async (context, values, [file = '', name = '']) => {
    const reward = readReward(context, file);
    const services = openServices(context, { readOnly: true });
    try {
      const { id: runId } = await findRun(services, name);
      const jobId = await followJob(context, services, () =>
        services.call('rewards.rescore', { runId, reward, limit: values.limit ?? 20_000 }),
      );
      const report = await services.call('rewards.rescoreReport', { jobId });
      const { output } = context;
      output.value(report);
      if (report.warning !== null) output.note(`Note: ${report.warning}`);
      output.text(
        `${formatNumber(report.answers)} answers, ${formatNumber(report.notGradable)} not gradable; rank correlation of old and new ${
          report.correlation === null
            ? 'unknown, because one of them does not vary'
            : report.correlation.toFixed(3)
        }\n`,
      );
      const every = Math.max(1, Math.ceil(report.steps.length / stepsShown));
      const right = 'right' as const;
      output.text(
        renderTable(
          [
            { title: 'Step', align: right },
            { title: 'Old', align: right },
            { title: 'New', align: right },
          ],
          report.steps.flatMap((step, place) =>
            place % every === 0 || place === report.steps.length - 1
              ? [[String(step), formatNumber(report.before[place]), formatNumber(report.after[place])]]
              : [],
          ),
        ),
      );
      if (report.moved.length > 0) {
        output.text('\nMoved most');
        output.text(
          renderTable(
            [
              { title: 'Step', align: right },
              { title: 'Old', align: right },
              { title: 'New', align: right },
              { title: 'Question', maximum: 40 },
              { title: 'Answer', maximum: 50 },
            ],
            report.moved
              .slice(0, movedShown)
              .map(({ step, before, after, prompt, text }) => [
                String(step),
                formatNumber(before),
                formatNumber(after),
                prompt,
                text,
              ]),
          ),
        );
      }
      return exitCodes.done;
    } catch (error) {
      if (context.interrupts.signal.aborted) return exitCodes.interrupted;
      throw error;
    } finally {
      await services.close();
    }
  },
});
