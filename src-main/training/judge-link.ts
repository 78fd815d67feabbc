/**
 * The trainer's side of judging: requests go to the host, which owns keys, budget and the judgements that are kept; replies
 * come as messages while a command is at work.
 */
import { EspalierError } from '../contract/errors.ts';
import type { TrainerCommand, TrainerEvent } from '../contract/events.ts';
import type { ComponentOf } from '../contract/reward.ts';
import type { Row } from '../datasets/row.ts';
import { columnValue } from '../datasets/column-path.ts';
import { rubricColumns } from '../rewards/judge/rubric.ts';
import type { JudgeItem } from '../rewards/judge/judge-messages.ts';
import type { Outcome } from '../rewards/outcome.ts';

export type JudgeReply = Extract<TrainerCommand, { type: 'judge-reply' }>;

/** Judges answers; rejects with what the host says, or with `stopped` once a stop is asked for. */
export type AskJudge = (
  component: ComponentOf<'judge'>,
  items: readonly JudgeItem[],
) => Promise<readonly Outcome[]>;

export interface JudgeLink {
  readonly ask: AskJudge;
  /** Figures of the judging since the last call, summed by name; see `JudgeCounts` of the host. */
  takeCounts(): Record<string, number>;
  receive(reply: JudgeReply): void;
  /** Gives up what is waited for, and everything later. */
  stop(): void;
}

interface Waiting {
  readonly count: number;
  readonly resolve: (outcomes: readonly Outcome[]) => void;
  readonly reject: (error: unknown) => void;
}

export function createJudgeLink(emit: (event: TrainerEvent) => void): JudgeLink {
  const waiting = new Map<number, Waiting>();
  let counts: Record<string, number> = {};
  let stopped = false;
  let nextId = 0;
  return {
    ask(component, items) {
      if (stopped) return Promise.reject(stopError());
      if (items.length === 0) return Promise.resolve([]);
      const id = nextId++;
      const told = items.map(({ prompt, response, reference, row }) => ({
        prompt,
        response,
        reference,
        row: rowFor(component.rubric, row),
      }));
      return new Promise((resolve, reject) => {
        waiting.set(id, { count: items.length, resolve, reject });
        emit({ type: 'judge-request', id, component, items: told });
      });
    },
    takeCounts() {
      const taken = counts;
      counts = {};
      return taken;
    },
    receive({ id, result }) {
      const request = waiting.get(id);
      // Given up by a stop meanwhile.
      if (request === undefined) return;
      waiting.delete(id);
      if ('error' in result) {
        const { kind, code, message, where, advice } = result.error;
        request.reject(
          new EspalierError(kind, code, message, {
            ...(where === undefined ? {} : { where }),
            ...(advice === undefined ? {} : { advice }),
          }),
        );
        return;
      }
      if (result.outcomes.length !== request.count) {
        request.reject(
          new Error('internal: the host judged another number of answers than it was asked for'),
        );
        return;
      }
      for (const [name, value] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + value;
      request.resolve(result.outcomes);
    },
    stop() {
      stopped = true;
      for (const { reject } of waiting.values()) reject(stopError());
      waiting.clear();
    },
  };
}

function stopError(): EspalierError {
  return new EspalierError('cancelled', 'stopped', 'Stopped while answers were judged.');
}

/** Only the columns that the judge is told, under the names by which the rubric calls them. */
function rowFor(rubric: string, row: Row): Row {
  const told: Row = {};
  for (const name of rubricColumns(rubric)) {
    const value = columnValue(row, name);
    if (value !== undefined) told[name] = value;
  }
  return told;
}

/** What is logged of the judging of a step; see docs/metrics.md. */
export const judgeMetricDefinitions = {
  judgeRequests: 'Requests made to judges in the step.',
  judgeCachedShare: 'Share of the questions to judges that were answered from what was kept.',
  judgeUnreadableShare: 'Replies of judges that could not be read, for each question.',
  judgePlaceShare:
    'Share of comparisons in which the judge preferred the same place in both orders: it judged the order, not the answers.',
  judgeFirstShare: 'Of those, the share that preferred the first place.',
} as const;

/** The metrics of these counts; none where no judge was asked. */
export function judgeMetrics(counts: Readonly<Record<string, number>>): Record<string, number> {
  const { requests = 0, questions = 0, cached = 0, unreadable = 0 } = counts;
  const { compared = 0, alwaysFirst = 0, alwaysSecond = 0 } = counts;
  if (questions === 0) return {};
  const byPlace = alwaysFirst + alwaysSecond;
  return {
    judgeRequests: requests,
    judgeCachedShare: cached / questions,
    judgeUnreadableShare: unreadable / questions,
    ...(compared === 0 ? {} : { judgePlaceShare: byPlace / compared }),
    ...(byPlace === 0 ? {} : { judgeFirstShare: alwaysFirst / byPlace }),
  };
}
