/**
 * Reads the source of a chat template into a tree, with the parser of @huggingface/jinja. The node types are declared
 * here because that package does not export them.
 */
import * as jinja from '@huggingface/jinja';
import { TemplateFailure, unsupportedFeature } from './values.ts';

export interface Name {
  readonly type: 'Identifier';
  readonly value: string;
}
export interface CallNode {
  readonly type: 'CallExpression';
  readonly callee: Node;
  readonly args: readonly Node[];
}
export interface TupleNode {
  readonly type: 'TupleLiteral';
  readonly value: readonly Node[];
}
export interface NamedArgument {
  readonly type: 'KeywordArgumentExpression';
  readonly key: Name;
  readonly value: Node;
}
export interface SliceNode {
  readonly type: 'SliceExpression';
  readonly start: Node | undefined;
  readonly stop: Node | undefined;
  readonly step: Node | undefined;
}
interface Operator {
  readonly value: string;
}

/** Statements and expressions of a template. */
export type Node =
  | Name
  | CallNode
  | TupleNode
  | NamedArgument
  | SliceNode
  | { readonly type: 'Comment' | 'Break' | 'Continue' }
  | { readonly type: 'IntegerLiteral' | 'FloatLiteral'; readonly value: number }
  | { readonly type: 'StringLiteral'; readonly value: string }
  | { readonly type: 'ArrayLiteral'; readonly value: readonly Node[] }
  | { readonly type: 'ObjectLiteral'; readonly value: ReadonlyMap<Node, Node> }
  | { readonly type: 'SpreadExpression' | 'KeywordSpreadExpression'; readonly argument: Node }
  | {
      readonly type: 'MemberExpression';
      readonly object: Node;
      readonly property: Node;
      readonly computed: boolean;
    }
  | {
      readonly type: 'BinaryExpression';
      readonly operator: Operator;
      readonly left: Node;
      readonly right: Node;
    }
  | { readonly type: 'UnaryExpression'; readonly operator: Operator; readonly argument: Node }
  | { readonly type: 'FilterExpression'; readonly operand: Node; readonly filter: Node }
  | { readonly type: 'TestExpression'; readonly operand: Node; readonly negate: boolean; readonly test: Name }
  | { readonly type: 'SelectExpression'; readonly lhs: Node; readonly test: Node }
  | { readonly type: 'Ternary'; readonly condition: Node; readonly trueExpr: Node; readonly falseExpr: Node }
  | {
      readonly type: 'Set';
      readonly assignee: Node;
      readonly value: Node | null;
      readonly body: readonly Node[];
    }
  | {
      readonly type: 'If';
      readonly test: Node;
      readonly body: readonly Node[];
      readonly alternate: readonly Node[];
    }
  | {
      readonly type: 'For';
      readonly loopvar: Node;
      readonly iterable: Node;
      readonly body: readonly Node[];
      readonly defaultBlock: readonly Node[];
    }
  | {
      readonly type: 'Macro';
      readonly name: Name;
      readonly args: readonly Node[];
      readonly body: readonly Node[];
    }
  | {
      readonly type: 'CallStatement';
      readonly call: CallNode;
      readonly callerArgs: readonly Node[] | null;
      readonly body: readonly Node[];
    }
  | { readonly type: 'FilterStatement'; readonly filter: Node; readonly body: readonly Node[] };

interface Token {
  readonly type: string;
  readonly value: string;
}

/**
 * What is used of the package, whose own declarations cannot be resolved. The tree's types above follow its
 * `dist/ast.d.ts` of the pinned version; a kind of node that is not among them is refused when it is evaluated.
 */
interface Library {
  tokenize(source: string, options: { trim_blocks: boolean; lstrip_blocks: boolean }): readonly Token[];
  parse(tokens: readonly Token[]): { readonly body: readonly Node[] };
}

function isLibrary(value: unknown): value is Library {
  return typeof value === 'object' && value !== null && 'tokenize' in value && 'parse' in value;
}

function loadLibrary(value: unknown): Library {
  if (!isLibrary(value)) throw new TypeError('@huggingface/jinja offers neither tokenize nor parse');
  return value;
}

const library = loadLibrary(jinja);

/** Name of the filter into which `{% generation %}` is turned. */
export const GENERATION = 'espalier_generation';

/**
 * Refuses what the parser reads wrongly: `1e5` becomes a number and a name; and as it drops parentheses, `a < b < c`,
 * which means `a < b and b < c`, becomes the same tree as `(a < b) < c`.
 */
function refuseMisread(tokens: readonly Token[]): void {
  // For each open bracket, whether a comparison stands in the part of the expression that is being read.
  let compared = [false];
  for (const [index, { type, value }] of tokens.entries()) {
    const place = compared.length - 1;
    if (
      type === 'Identifier' &&
      /^(e\d*|_\d+)$/i.test(value) &&
      tokens[index - 1]?.type === 'NumericLiteral'
    ) {
      throw unsupportedFeature('A number with an exponent or underscores');
    }
    if (type === 'OpenStatement' || type === 'OpenExpression') compared = [false];
    else if (type.startsWith('Open')) compared.push(false);
    else if (type.startsWith('Close')) compared.pop();
    else if (type === 'ComparisonBinaryOperator' || (type === 'Identifier' && value === 'in')) {
      if (compared[place] === true) throw unsupportedFeature('A chain of comparisons (a < b < c)');
      compared[place] = true;
    } else if (type === 'Comma' || type === 'Colon' || type === 'Equals') compared[place] = false;
    else if (type === 'Identifier' && ['and', 'or', 'if', 'else'].includes(value)) compared[place] = false;
    else if (type === 'Identifier' && value === 'not' && tokens[index + 1]?.value !== 'in')
      compared[place] = false;
  }
}

/**
 * The tree of a template. `{% generation %}` blocks (text of the assistant) become blocks of the filter `GENERATION`:
 * the parser would drop them. Throws a TemplateFailure for source that cannot be read.
 */
export function parseTemplate(source: string): readonly Node[] {
  const text = source
    .replace(/\r\n?/g, '\n')
    .replace(/\{%(-?)\s*generation\s*(-?)%\}/g, `{%$1 filter ${GENERATION} $2%}`)
    .replace(/\{%(-?)\s*endgeneration\s*(-?)%\}/g, '{%$1 endfilter $2%}');
  try {
    const tokens = library.tokenize(text, { trim_blocks: true, lstrip_blocks: true });
    refuseMisread(tokens);
    return library.parse(tokens).body;
  } catch (error) {
    if (error instanceof TemplateFailure) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    const statement = /Unknown statement type: (\w+)/.exec(detail)?.[1];
    if (statement !== undefined)
      throw new TemplateFailure(
        'unsupported',
        `The statement "${statement}" is not supported in chat templates`,
      );
    throw new TemplateFailure('failed', `the template cannot be read: ${detail}`);
  }
}
