/**
 * The rubric of a judge: plain words in which {prompt}, {response}, {answer} and column names stand for texts. The texts
 * themselves never become part of the instructions: the judge gets them between marks, and the rubric names the marks.
 */
import type { ComponentOf } from '../../contract/reward.ts';
import { userError } from '../../contract/errors.ts';
import { columnsOf, parseTemplate } from '../../datasets/map-rows.ts';

type JudgeSettings = Pick<ComponentOf<'judge'>, 'rubric' | 'mode'>;

/** Names in a rubric that do not stand for columns. */
const ownNames: readonly string[] = ['prompt', 'response', 'answer'];

/** Names in braces of a rubric, each once, in order. */
function namesIn(rubric: string): string[] {
  return [...new Set(columnsOf(parseTemplate(rubric, 'rubric')))];
}

/**
 * Checks what can be wrong with a rubric without data.
 * @throws user error `data-template`: a brace without a name; `judge-rubric`: it tells apart what must look alike
 */
export function checkRubric({ rubric, mode }: JudgeSettings): void {
  const names = namesIn(rubric);
  const telling =
    mode === 'compare' ? names.find((name) => name === 'response' || name === 'answer') : undefined;
  if (telling !== undefined) {
    throw userError(
      'judge-rubric',
      `A judge that compares must not be told which answer is which: {${telling}}.`,
      {
        where: 'rubric',
        advice: `Take {${telling}} out and say what makes one answer better than another; both are shown to the judge anyway.`,
      },
    );
  }
}

/** Columns of the row that the judge is told, in the order of the rubric. */
export function rubricColumns(rubric: string): string[] {
  return namesIn(rubric).filter((name) => !ownNames.includes(name));
}

/** Whether the judge is told the right answer. */
export function needsReference({ rubric, mode }: JudgeSettings): boolean {
  return mode === 'compare' || namesIn(rubric).includes('answer');
}

/** The rubric with every name in braces replaced by what `name` gives for it. */
export function fillRubric(rubric: string, replace: (name: string) => string): string {
  return parseTemplate(rubric, 'rubric')
    .map((part) => ('text' in part ? part.text : replace(part.column)))
    .join('');
}
