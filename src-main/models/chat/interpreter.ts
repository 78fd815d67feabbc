/**
 * Renders the tree of a chat template as jinja2 in transformers' sandbox does. What jinja2 can do and this cannot is
 * refused by name; nothing is rendered approximately. The fixtures of every known family guard it.
 */
import { bind, textArgument } from './arguments.ts';
import { applyFilter } from './filters.ts';
import { arithmetic, attributeOf, comparison, itemOf, signed, slice } from './operators.ts';
import { toText } from './print.ts';
import { strftime } from './strftime.ts';
import { GENERATION } from './syntax.ts';
import type { CallNode, Node } from './syntax.ts';
import { tests } from './tests.ts';
import {
  Attributes,
  Callable,
  Float,
  TemplateFailure,
  Tuple,
  Undefined,
  Walk,
  checkDefined,
  checkLength,
  orUndefined,
  equal,
  failure,
  isDictionary,
  toCount,
  truthy,
  unsupportedFeature,
  walk,
} from './values.ts';
import type { Arguments, Value } from './values.ts';

/** Most nodes that one rendering may evaluate: a second or two; a long conversation takes some ten thousand. */
const STEP_LIMIT = 1_000_000;
/** Longest `range()`, as in jinja2's sandbox. */
const RANGE_LIMIT = 100_000;
/** Marks around the assistant's text; Unicode reserves these for such uses within a program. */
export const SPAN_START = '\ufdd0';
export const SPAN_END = '\ufdd1';
/** Functions of jinja2 that are not offered; as undefined variables they would be left out silently. */
const missingFunctions = ['lipsum', 'cycler', 'joiner', 'self', 'super', 'gettext', 'ngettext', '_'];

/** Thrown by `break` and `continue`; collects what the body of the loop has printed up to there. */
class LoopExit extends Error {
  readonly ends: boolean;
  text = '';

  constructor(ends: boolean) {
    super('"break" or "continue" outside of a loop');
    this.ends = ends;
  }
}

/** Names that are visible, in layers. */
class Scope {
  readonly #values = new Map<string, Value>();
  readonly #outer: Scope | null;

  constructor(outer: Scope | null) {
    this.#outer = outer;
  }

  get(name: string): Value | undefined {
    const value = this.#values.get(name);
    return value === undefined ? this.#outer?.get(name) : value;
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}

/** What rendering needs besides the template. */
export interface RenderContext {
  readonly variables: ReadonlyMap<string, Value>;
  /** The time that `strftime_now` sees. */
  readonly now: Date;
  /** Whether the assistant's text is put between `SPAN_START` and `SPAN_END`. */
  readonly markSpans: boolean;
}

export class Interpreter {
  readonly #context: RenderContext;
  #steps = 0;

  constructor(context: RenderContext) {
    this.#context = context;
  }

  /** The text of a template. Throws a TemplateFailure. */
  render(template: readonly Node[]): string {
    const globals = new Scope(null);
    for (const [name, value] of this.#globals()) globals.set(name, value);
    const scope = new Scope(globals);
    for (const [name, value] of this.#context.variables) scope.set(name, value);
    try {
      return this.#block(template, scope);
    } catch (error) {
      if (error instanceof RangeError) throw failure('the template calls itself without end');
      if (error instanceof LoopExit) throw failure(error.message);
      throw error;
    }
  }

  #globals(): [string, Value][] {
    const functions: Readonly<Record<string, (args: Arguments) => Value>> = {
      raise_exception: (args) => {
        throw new TemplateFailure('raised', toText(bind('raise_exception', args, ['message'])[0] ?? ''));
      },
      strftime_now: (args) =>
        strftime(this.#context.now, textArgument('strftime_now', bind('strftime_now', args, ['format'])[0])),
      range: (args) => {
        const [first = null, second, step = 1n] = bind('range', args, ['start', 'stop', 'step']);
        const [start, stop, stride] = [
          second === undefined ? 0 : toCount(first, 'start'),
          toCount(second ?? first, 'stop'),
          toCount(step, 'step'),
        ];
        if (stride === 0) throw failure('range() arg 3 must not be zero');
        const length = Math.max(0, Math.ceil((stop - start) / stride));
        if (length > RANGE_LIMIT)
          throw failure(`Range too big. The sandbox blocks ranges larger than ${RANGE_LIMIT}.`);
        return new Walk(
          'range',
          Array.from({ length }, (_, index) => BigInt(start + index * stride)),
        );
      },
      dict: (args) => this.#dictionary('dict', args),
      namespace: (args) => {
        const values = this.#dictionary('namespace', args);
        for (const name of values.keys())
          if (name.startsWith('_')) throw failure(`namespaces cannot hold the name ${name}`);
        return new Attributes('namespace', values);
      },
    };
    return [
      ...Object.entries(functions).map(([name, call]): [string, Value] => [name, new Callable(name, call)]),
      ...(['true', 'True'] as const).map((name): [string, Value] => [name, true]),
      ...(['false', 'False'] as const).map((name): [string, Value] => [name, false]),
      ...(['none', 'None'] as const).map((name): [string, Value] => [name, null]),
    ];
  }

  #dictionary(call: string, args: Arguments): Map<string, Value> {
    const [source, more] = args.positional;
    if (more !== undefined) throw failure(`${call}() takes at most 1 argument`);
    const entries = new Map<string, Value>();
    if (source !== undefined && isDictionary(source))
      for (const [key, value] of source) entries.set(key, value);
    else if (source !== undefined) {
      for (const pair of walk(source)) {
        const [key, value, extra] = walk(pair);
        if (typeof key !== 'string') throw unsupportedFeature('A dictionary key that is not a text');
        if (value === undefined || extra !== undefined) throw failure(`${call}() needs pairs`);
        entries.set(key, value);
      }
    }
    for (const [key, value] of args.named) entries.set(key, value);
    return entries;
  }

  #block(nodes: readonly Node[], scope: Scope): string {
    const parts: string[] = [];
    let length = 0;
    for (const node of nodes) {
      let part: string;
      try {
        part = this.#statement(node, scope);
      } catch (error) {
        if (error instanceof LoopExit) error.text = parts.join('') + error.text;
        throw error;
      }
      length += part.length;
      checkLength(length);
      parts.push(part);
    }
    return parts.join('');
  }

  /** Runs a statement, or prints an expression. */
  #statement(node: Node, scope: Scope): string {
    switch (node.type) {
      case 'Comment':
        return '';
      case 'Set': {
        const value =
          node.value === null ? this.#block(node.body, new Scope(scope)) : this.#value(node.value, scope);
        this.#assign(node.assignee, value, scope);
        return '';
      }
      case 'If':
        return this.#block(truthy(this.#value(node.test, scope)) ? node.body : node.alternate, scope);
      case 'For':
        return this.#loop(node, scope);
      case 'Macro':
        scope.set(node.name.value, this.#macro(node.name.value, node.args, node.body, scope));
        return '';
      case 'CallStatement': {
        const caller = this.#macro('caller', node.callerArgs ?? [], node.body, scope);
        const args = this.#arguments(node.call.args, scope);
        const called = this.#value(node.call.callee, scope);
        return toText(
          this.#call(called, {
            positional: args.positional,
            named: new Map([...args.named, ['caller', caller]]),
          }),
        );
      }
      case 'FilterStatement': {
        const text = this.#block(node.body, new Scope(scope));
        if (node.filter.type === 'Identifier' && node.filter.value === GENERATION) {
          return this.#context.markSpans ? SPAN_START + text + SPAN_END : text;
        }
        return toText(this.#filter(node.filter, text, scope));
      }
      case 'Break':
        throw new LoopExit(true);
      case 'Continue':
        throw new LoopExit(false);
      default:
        return toText(this.#value(node, scope));
    }
  }

  #assign(target: Node, value: Value, scope: Scope): void {
    if (target.type === 'Identifier') scope.set(target.value, value);
    else if (target.type === 'TupleLiteral') {
      const items = walk(value);
      if (items.length !== target.value.length)
        throw failure(`${items.length} values cannot be unpacked into ${target.value.length} names`);
      for (const [index, part] of target.value.entries()) this.#assign(part, items[index] ?? null, scope);
    } else if (
      target.type === 'MemberExpression' &&
      !target.computed &&
      target.property.type === 'Identifier'
    ) {
      const object = this.#value(target.object, scope);
      if (!(object instanceof Attributes) || object.kind !== 'namespace')
        throw failure('cannot assign attribute on non-namespace object');
      if (target.property.value.startsWith('_'))
        throw failure(`namespaces cannot hold the name ${target.property.value}`);
      object.values.set(target.property.value, value);
    } else throw failure('this cannot be assigned to');
  }

  #loop(node: Extract<Node, { type: 'For' }>, scope: Scope): string {
    // `for x in list if condition` arrives as a selection.
    const [source, condition] =
      node.iterable.type === 'SelectExpression'
        ? [node.iterable.lhs, node.iterable.test]
        : [node.iterable, null];
    let items = walk(this.#value(source, scope));
    if (condition !== null) {
      items = items.filter((item) => {
        const inner = new Scope(scope);
        this.#assign(node.loopvar, item, inner);
        return truthy(this.#value(condition, inner));
      });
    }
    if (items.length === 0) return this.#block(node.defaultBlock, new Scope(scope));
    const parts: string[] = [];
    let changed: readonly Value[] | null = null;
    for (const [index, item] of items.entries()) {
      const inner = new Scope(scope);
      this.#assign(node.loopvar, item, inner);
      const loop = new Map<string, Value>([
        ['index', BigInt(index + 1)],
        ['index0', BigInt(index)],
        ['revindex', BigInt(items.length - index)],
        ['revindex0', BigInt(items.length - index - 1)],
        ['first', index === 0],
        ['last', index === items.length - 1],
        ['length', BigInt(items.length)],
        ['depth', 1n],
        ['depth0', 0n],
        ['previtem', orUndefined(items[index - 1], 'there is no previous item')],
        ['nextitem', orUndefined(items[index + 1], 'there is no next item')],
        [
          'cycle',
          new Callable('cycle', ({ positional }) => {
            if (positional.length === 0) throw failure('no items for cycling given');
            return positional[index % positional.length] ?? null;
          }),
        ],
        [
          'changed',
          new Callable('changed', ({ positional }) => {
            const same: boolean = changed !== null && equal(changed, positional);
            changed = positional;
            return !same;
          }),
        ],
      ]);
      inner.set('loop', new Attributes('loop', loop));
      try {
        parts.push(this.#block(node.body, inner));
      } catch (error) {
        if (!(error instanceof LoopExit)) throw error;
        parts.push(error.text);
        if (error.ends) break;
      }
    }
    return parts.join('');
  }

  #macro(name: string, parameters: readonly Node[], body: readonly Node[], scope: Scope): Callable {
    const names = parameters.map((parameter) => {
      if (parameter.type === 'Identifier') return { name: parameter.value, fallback: null };
      if (parameter.type === 'KeywordArgumentExpression')
        return { name: parameter.key.value, fallback: parameter.value };
      throw failure(`the parameters of the macro ${name} cannot be read`);
    });
    const used = new Set<string>();
    collectNames(body, used);
    return new Callable(name, (args) => {
      const inner = new Scope(scope);
      const named = new Map(args.named);
      const pending: (() => void)[] = [];
      for (const [index, parameter] of names.entries()) {
        const byName = named.get(parameter.name);
        if (byName !== undefined && index < args.positional.length)
          throw failure(`macro '${name}' got multiple values for '${parameter.name}'`);
        named.delete(parameter.name);
        const value = index < args.positional.length ? args.positional[index] : byName;
        const { fallback } = parameter;
        if (value === undefined && fallback !== null)
          pending.push(() => inner.set(parameter.name, this.#value(fallback, inner)));
        else inner.set(parameter.name, orUndefined(value, `parameter '${parameter.name}' was not provided`));
      }
      for (const setFallback of pending) setFallback();
      const caller = named.get('caller');
      if (used.has('caller')) {
        inner.set('caller', orUndefined(caller, 'No caller defined'));
        named.delete('caller');
      }
      if (used.has('kwargs')) inner.set('kwargs', named);
      else if (named.size > 0)
        throw failure(`macro '${name}' takes no keyword argument '${[...named.keys()].join("', '")}'`);
      if (used.has('varargs')) inner.set('varargs', new Tuple(args.positional.slice(names.length)));
      else if (args.positional.length > names.length)
        throw failure(`macro '${name}' takes not more than ${names.length} argument(s)`);
      return this.#block(body, inner);
    });
  }

  #arguments(nodes: readonly Node[], scope: Scope): Arguments {
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    const add = (name: string, value: Value): void => {
      if (named.has(name)) throw failure(`got multiple values for keyword argument '${name}'`);
      named.set(name, value);
    };
    for (const node of nodes) {
      if (node.type === 'KeywordArgumentExpression') add(node.key.value, this.#value(node.value, scope));
      else if (node.type === 'SpreadExpression') positional.push(...walk(this.#value(node.argument, scope)));
      else if (node.type === 'KeywordSpreadExpression') {
        const more = this.#value(node.argument, scope);
        if (!isDictionary(more)) throw failure('argument after ** must be a mapping');
        for (const [name, value] of more) add(name, value);
      } else positional.push(this.#value(node, scope));
    }
    return { positional, named };
  }

  #call(called: Value, args: Arguments): Value {
    if (called instanceof Callable) return called.call(args);
    checkDefined(called);
    throw failure('this cannot be called');
  }

  #filter(filter: Node, value: Value, scope: Scope): Value {
    if (filter.type === 'Identifier')
      return applyFilter(filter.value, value, { positional: [], named: new Map() });
    if (filter.type === 'CallExpression' && filter.callee.type === 'Identifier') {
      return applyFilter(filter.callee.value, value, this.#arguments(filter.args, scope));
    }
    throw unsupportedFeature('An element or attribute taken of a filter without parentheses');
  }

  /** The value of an expression. */
  #value(node: Node, scope: Scope): Value {
    if (++this.#steps > STEP_LIMIT) throw failure('the template runs for too long');
    switch (node.type) {
      case 'Identifier': {
        const value = scope.get(node.value);
        if (value === undefined && missingFunctions.includes(node.value))
          throw unsupportedFeature(`The function "${node.value}"`);
        return value === undefined ? new Undefined(`'${node.value}' is undefined`) : value;
      }
      case 'IntegerLiteral':
        if (!Number.isSafeInteger(node.value))
          throw unsupportedFeature('A whole number of more than 15 digits');
        return BigInt(node.value);
      case 'FloatLiteral':
        return new Float(node.value);
      case 'StringLiteral':
        return node.value;
      case 'ArrayLiteral':
        return node.value.map((item) => this.#value(item, scope));
      case 'TupleLiteral':
        return new Tuple(node.value.map((item) => this.#value(item, scope)));
      case 'ObjectLiteral': {
        const entries = new Map<string, Value>();
        for (const [keyNode, item] of node.value) {
          const key = this.#value(keyNode, scope);
          if (typeof key !== 'string') throw unsupportedFeature('A dictionary key that is not a text');
          entries.set(key, this.#value(item, scope));
        }
        return entries;
      }
      case 'BinaryExpression':
        return this.#binary(node.operator.value, node.left, node.right, scope);
      case 'UnaryExpression': {
        const value = this.#value(node.argument, scope);
        return node.operator.value === 'not' ? !truthy(value) : signed(node.operator.value, value);
      }
      case 'Ternary':
        return this.#value(
          truthy(this.#value(node.condition, scope)) ? node.trueExpr : node.falseExpr,
          scope,
        );
      case 'SelectExpression':
        return truthy(this.#value(node.test, scope))
          ? this.#value(node.lhs, scope)
          : new Undefined('the inline if-expression evaluated to false and no else section was defined.');
      case 'TestExpression':
        return this.#test(node.test.value, node.operand, scope) !== node.negate;
      case 'FilterExpression':
        return this.#filter(node.filter, this.#value(node.operand, scope), scope);
      case 'CallExpression':
        return this.#callExpression(node, scope);
      case 'MemberExpression':
        return this.#member(node, scope);
      default:
        throw unsupportedFeature(`"${node.type}" at this place`);
    }
  }

  #callExpression(node: CallNode, scope: Scope): Value {
    const called = this.#value(node.callee, scope);
    return this.#call(called, this.#arguments(node.args, scope));
  }

  #member(node: Extract<Node, { type: 'MemberExpression' }>, scope: Scope): Value {
    const object = this.#value(node.object, scope);
    const { property } = node;
    if (property.type === 'SliceExpression') {
      const bound = (part: Node | undefined): Value => (part === undefined ? null : this.#value(part, scope));
      return slice(object, bound(property.start), bound(property.stop), bound(property.step));
    }
    if (!node.computed && property.type === 'Identifier') {
      // The sandbox of the reference hides what begins with two underscores; it prints as nothing.
      if (property.value.startsWith('__')) {
        checkDefined(object);
        return new Undefined(`access to attribute '${property.value}' is unsafe.`);
      }
      return attributeOf(object, property.value);
    }
    return itemOf(object, this.#value(property, scope));
  }

  #binary(operator: string, leftNode: Node, rightNode: Node, scope: Scope): Value {
    const left = this.#value(leftNode, scope);
    if (operator === 'and') return truthy(left) ? this.#value(rightNode, scope) : left;
    if (operator === 'or') return truthy(left) ? left : this.#value(rightNode, scope);
    if (comparisons.has(operator)) {
      return comparison(operator, left, this.#value(rightNode, scope));
    }
    return arithmetic(operator, left, this.#value(rightNode, scope));
  }

  #test(name: string, operandNode: Node, scope: Scope): boolean {
    const operand = this.#value(operandNode, scope);
    const test = Object.hasOwn(tests, name) ? tests[name] : undefined;
    if (test === undefined) throw unsupportedFeature(`The test "${name}"`);
    return test(operand, []);
  }
}

const comparisons = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', 'not in']);

/** Adds every name that the nodes mention. */
function collectNames(nodes: unknown, into: Set<string>): void {
  if (Array.isArray(nodes) || nodes instanceof Map) {
    for (const node of nodes) collectNames(node, into);
  } else if (typeof nodes === 'object' && nodes !== null) {
    if ('type' in nodes && nodes.type === 'Identifier' && 'value' in nodes) into.add(String(nodes.value));
    for (const child of Object.values(nodes)) collectNames(child, into);
  }
}
