/** Makes a component ready to grade inside the sandbox. */
import { prepareCode } from './code-grader.ts';
import { prepareData } from './data-grader.ts';
import { prepareFunction } from './function-grader.ts';
import type { Preparation, PreparationContext, SandboxComponent } from './prepared.ts';

export function prepareComponent(
  component: SandboxComponent,
  context: PreparationContext,
): Promise<Preparation> {
  switch (component.kind) {
    case 'code':
      return prepareCode(component, context);
    case 'function':
      return prepareFunction(component, context);
    default:
      return prepareData(component, context);
  }
}
