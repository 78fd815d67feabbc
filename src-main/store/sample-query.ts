/** Turns the filter of a list of responses into SQL over `samples s`. All values are bound parameters. */
import type { SampleFilter } from './sample-store.ts';
import { searchTerms, type SearchTerm } from './search-terms.ts';

export interface SampleCondition {
  readonly where: string;
  readonly parameters: readonly (number | string)[];
}

/** The WHERE clause of a filter, with its parameters in order. */
export function sampleCondition(run: number, filter: SampleFilter): SampleCondition {
  const parts = ['s.run = ?'];
  const parameters: (number | string)[] = [run];
  const add = (sql: string, value: number | undefined) => {
    if (value === undefined) return;
    parts.push(sql);
    parameters.push(value);
  };
  add('s.step = ?', filter.step);
  add('s.split = ?', filter.split === undefined ? undefined : filter.split === 'train' ? 0 : 1);
  add('s.finish = ?', filter.finish === undefined ? undefined : filter.finish === 'stop' ? 0 : 1);
  add('s.reward >= ?', filter.minReward);
  add('s.reward <= ?', filter.maxReward);
  add('s.prompt_index = ?', filter.promptIndex);
  for (const term of searchTerms(filter.search ?? '')) {
    const condition = termCondition(run, term);
    parts.push(condition.where);
    parameters.push(...condition.parameters);
  }
  return { where: parts.join(' AND '), parameters };
}

/** A term may stand in the prompt or in the answer. */
function termCondition(run: number, term: SearchTerm): SampleCondition {
  if (term.kind === 'scan') {
    return {
      where: `(s.text LIKE ? ESCAPE '\\' OR s.prompt IN (SELECT id FROM prompts WHERE run = ? AND prompt LIKE ? ESCAPE '\\'))`,
      parameters: [term.like, run, term.like],
    };
  }
  const match = `run : "r${run}" AND text : ${term.match}`;
  return {
    where: `(s.id IN (SELECT rowid FROM answer_search WHERE answer_search MATCH ?)
      OR s.prompt IN (SELECT rowid FROM prompt_search WHERE prompt_search MATCH ?))`,
    parameters: [match, match],
  };
}

/** The ORDER BY of a sort; answers that were not graded come last in both orders of reward. */
export function sampleOrder(sort: SampleFilter['sort'], table: string): string {
  switch (sort) {
    case 'newest':
      return `${table}.step DESC, ${table}.id DESC`;
    case 'oldest':
      return `${table}.step, ${table}.id`;
    case 'best':
      return `${table}.reward DESC, ${table}.id DESC`;
    case 'worst':
      return `${table}.reward IS NULL, ${table}.reward, ${table}.id DESC`;
    case 'longest':
      return `${table}.tokens DESC, ${table}.id DESC`;
  }
}
