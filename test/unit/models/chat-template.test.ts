/** Chat templates against what transformers renders: 17 families, one-feature templates, places for a template. */
import { readFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EspalierError } from '../../../src-main/contract/errors.ts';
import { ChatTemplate, assistantMask, loadChatTemplate } from '../../../src-main/models/chat-template.ts';
import type { ChatMessage } from '../../../src-main/models/chat-template.ts';
import { parseJsonValue } from '../../../src-main/models/chat/json-values.ts';
import { isDictionary, isList } from '../../../src-main/models/chat/values.ts';
import type { Dictionary, Value } from '../../../src-main/models/chat/values.ts';
import { loadTokenizer } from '../../../src-main/models/tokenizer.ts';
import type { Tokenizer } from '../../../src-main/models/tokenizer.ts';

const root = join(import.meta.dirname, '../../fixtures/text/templates');
const tokenizers = join(import.meta.dirname, '../../fixtures/text/tokenizers');

function dictionary(value: Value | undefined): Dictionary {
  if (value === undefined || !isDictionary(value))
    throw new TypeError('the fixture should hold an object here');
  return value;
}
function list(value: Value | undefined): readonly Value[] {
  if (value === undefined || !isList(value)) throw new TypeError('the fixture should hold a list here');
  return value;
}
function text(value: Value | undefined): string {
  if (typeof value !== 'string') throw new TypeError('the fixture should hold a text here');
  return value;
}
async function read(...path: string[]): Promise<Dictionary> {
  return dictionary(parseJsonValue(await readFile(join(root, ...path), 'utf8')));
}
const messagesOf = (value: Value | undefined): ChatMessage[] => list(value).map(dictionary);
/** The text or the error of a rendering; bugs are thrown. */
function attempt(render: () => string): { text: string } | { error: EspalierError } {
  try {
    return { text: render() };
  } catch (error) {
    if (error instanceof EspalierError) return { error };
    throw error;
  }
}

const conversations = await read('conversations.json');
const now = (): Date => new Date(text(conversations.get('now')));
const chats = new Map(
  list(conversations.get('conversations')).map((chat) => [
    text(dictionary(chat).get('name')),
    messagesOf(dictionary(chat).get('messages')),
  ]),
);
const families = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'locations')
  .map(({ name }) => name);
const loaded = new Map<string, Promise<Tokenizer>>();
const tokenizerOf = (name: string): Promise<Tokenizer> => {
  const tokenizer = loaded.get(name) ?? loadTokenizer(join(tokenizers, name));
  loaded.set(name, tokenizer);
  return tokenizer;
};
let renders = 0;
const locations = await read('locations', 'cases.json');
const places = list(locations.get('cases')).map(dictionary);

describe.each(families)('chat template %s', (family) => {
  it('renders every conversation as transformers does, with the same token ids and assistant masks', async () => {
    const fixture = await read(family, 'cases.json');
    const source = await readFile(join(root, family, 'chat_template.jinja'), 'utf8');
    const tokenizer = await tokenizerOf(text(fixture.get('tokenizer')));
    const special = Object.fromEntries(
      [...dictionary(fixture.get('special_tokens'))].map(([key, value]) => [
        key,
        typeof value === 'string' ? value : list(value).map(text),
      ]),
    );
    const template = new ChatTemplate(new Map([['default', source]]), special, family, now);
    const texts: string[] = [];
    const ids: number[][] = [];
    for (const one of list(fixture.get('cases')).map(dictionary)) {
      const options = dictionary(one.get('options'));
      // Encoding users' text with its control tokens as plain text is not a matter of the template.
      if (options.has('sanitize_control_tokens')) continue;
      renders++;
      const goOn = options.get('continue_final_message');
      const chat = chats.get(text(one.get('chat'))) ?? [];
      const label = `${text(one.get('chat'))} ${JSON.stringify(Object.fromEntries(options), (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))}`;
      let spans: readonly (readonly [number, number])[] = [];
      const result = attempt(() => {
        const rendered = template.apply(chat, {
          addGenerationPrompt: options.get('add_generation_prompt') === true,
          ...(typeof goOn === 'string' || typeof goOn === 'boolean' ? { continueFinalMessage: goOn } : {}),
          tools: options.get('tools') === true ? list(conversations.get('tools')) : null,
          documents: options.has('documents') ? list(options.get('documents')) : null,
          variables: Object.fromEntries(one.has('variables') ? dictionary(one.get('variables')) : []),
        });
        ({ spans } = rendered);
        return rendered.text;
      });
      const error = one.get('error');
      if (error !== undefined) {
        if ('text' in result) throw new Error(`${label}: should fail, gave ${JSON.stringify(result.text)}`);
        expect(result.error.code, label).not.toBe('chat-template-unsupported');
        if (dictionary(error).get('type') === 'TemplateError')
          expect(result.error.message, label).toBe(dictionary(error).get('message'));
        continue;
      }
      if ('error' in result) throw new Error(`${label}: ${result.error.message}`, { cause: result.error });
      expect(result.text, label).toBe(one.get('text'));
      texts.push(result.text);
      ids.push(list(one.get('ids')).map(Number));
      if (one.has('assistant_mask')) {
        const points = (end: number): number => Array.from(result.text.slice(0, end)).length;
        expect(spans.map(([start, end]) => [points(start), points(end)])).toEqual(
          list(one.get('assistant_spans')).map((span) => list(span).map(Number)),
        );
        const { offsets } = await tokenizer.encodeWithOffsets(result.text, { addSpecialTokens: false });
        expect(Array.from(assistantMask(offsets, spans)), label).toEqual(
          list(one.get('assistant_mask')).map(Number),
        );
      }
    }
    expect(
      (await tokenizer.encodeBatch(texts, { addSpecialTokens: false })).map((one) => Array.from(one)),
    ).toEqual(ids);
  });
});

describe('chat templates', () => {
  it('saw every recorded render', () => {
    expect(renders).toBe(1349);
  });

  it('renders single features as jinja2 does or refuses them by name, and never differs silently', async () => {
    const fixture = await read('features.json');
    const clock = (): Date => new Date(text(fixture.get('now')));
    const wrong: string[] = [];
    const refused: string[] = [];
    let right = 0;
    for (const one of list(fixture.get('cases')).map(dictionary)) {
      const source = text(one.get('template'));
      const template = new ChatTemplate(new Map([['default', source]]), {}, 'template', clock);
      const variables = Object.fromEntries(dictionary(fixture.get('variables')));
      // The answer recorded for this one saw the function; jinja2 itself lets the variable hide it.
      if (source.includes('dict(')) delete variables['dict'];
      const result = attempt(() => template.apply(messagesOf(fixture.get('messages')), { variables }).text);
      const error = one.get('error');
      if (error !== undefined) {
        if ('error' in result) right++;
        else wrong.push(`${source} → ${JSON.stringify(result.text)} instead of an error`);
        if ('error' in result && dictionary(error).get('type') === 'TemplateError')
          expect(result.error.message).toBe(dictionary(error).get('message'));
      } else if ('error' in result) refused.push(`${source} → ${result.error.message}`);
      else if (result.text === one.get('text')) right++;
      else
        wrong.push(
          `${source} → ${JSON.stringify(result.text)} instead of ${JSON.stringify(one.get('text'))}`,
        );
    }
    expect(wrong).toEqual([]);
    expect(right, refused.join('\n')).toBeGreaterThanOrEqual(331);
  });

  it.each(places.map((place): [string, Dictionary] => [text(place.get('name')), place]))(
    'finds the template of a folder: %s',
    async (name, place) => {
      const template = await loadChatTemplate(join(root, 'locations', name), now);
      const messages = messagesOf(locations.get('messages'));
      for (const [kind, options] of [
        ['plain', {}],
        ['with_tools', { tools: list(conversations.get('tools')) }],
        ['named_rag', { name: 'rag' }],
      ] as const) {
        const expected = place.get(kind);
        if (expected === undefined) continue;
        const answer = dictionary(expected);
        if (answer.has('error')) {
          if (template === null) continue;
          expect(() => template.apply(messages, options)).toThrow(
            expect.objectContaining({ code: 'chat-template-missing' }),
          );
        } else expect(template?.apply(messages, options).text).toBe(answer.get('text'));
      }
    },
  );

  const simple = (source: string): ChatTemplate =>
    new ChatTemplate(new Map([['default', source]]), {}, 'here', now);

  it('stops templates that run or grow without end', () => {
    for (const source of [
      '{% for a in range(100000) %}{% for b in range(100000) %}{% set c = 1 + 1 %}{% endfor %}{% endfor %}',
      '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}',
      "{{ 'abc' * 1000000000 }}",
      '{{ 9 ** 9999 }}',
      "{% set ns = namespace(t='ab') %}{% for a in range(60) %}{% set ns.t = ns.t + ns.t %}{% endfor %}",
      "{{ 'a' | center(10000000000) }}",
    ]) {
      expect(() => simple(source).render('hi'), source).toThrow(
        expect.objectContaining({ code: 'chat-template-failed' }),
      );
    }
  });

  it('names what it does not support', () => {
    for (const [source, name] of [
      ['{{ messages | groupby("role") }}', 'groupby'],
      ['{% with a = 1 %}{{ a }}{% endwith %}', 'with'],
      ["{{ 'x'.swapcase() }}", 'str.swapcase'],
      ['{{ 1 < 2 < 3 }}', 'chain of comparisons'],
      ['{{ 1 == 2 not in [(3 < 4)] }}', 'chain of comparisons'],
      ['{{ cycler(1, 2) }}', 'cycler'],
      ['{{ [1e5] }}', 'exponent'],
      ["{{ ('a' | safe) + '<' }}", 'safe'],
    ] as const) {
      expect(() => simple(source).render('hi')).toThrow(
        expect.objectContaining({
          code: 'chat-template-unsupported',
          message: expect.stringContaining(name),
          where: 'here',
        }),
      );
    }
  });

  it('keeps what a loop printed before break and continue', () => {
    expect(
      simple('{% for a in [1, 2, 3] %}{{ a }}{% if a == 2 %}{% break %}{% endif %},{% endfor %}').render(''),
    ).toBe('1,2');
    expect(
      simple('{% for a in [1, 2, 3] %}{{ a }}{% if a == 2 %}{% continue %}{% endif %},{% endfor %}').render(
        '',
      ),
    ).toBe('1,23,');
  });

  it('computes as Python does', () => {
    const lines = [
      ['{{ -7 // 2 }} {{ 7 // -2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 2 ** -1 }}', '-4 -4 2 -2 0.5'],
      [
        '{{ 1.0 // 0.1 }} {{ -6.0 % 3.0 }} {{ 7.5 % -2 }} {{ 1.0 % 0.1 }}',
        '9.0 0.0 -0.5 0.09999999999999995',
      ],
      [
        '{{ 0.125 | round(2) }} {{ 2.675 | round(2) }} {{ 5 | round }} {{ -2.5 | round }}',
        '0.12 2.67 5 -2.0',
      ],
      ["{{ '  a b  c '.split(None, 1) }} {{ 'ß'.capitalize() }} {{ 'ǆ'.title() }}", "['a', 'b  c '] Ss ǅ"],
      [
        '{{ 123456789012345680.0 }} {{ 0.00001 }} {{ 100 * 1.1 }}',
        '1.2345678901234568e+17 1e-05 110.00000000000001',
      ],
      ["{{ '%5.1f|%-5s|%05d|%+d|%x|%%' % (3.14159, 'ab', 42, 7, 255) }}", '  3.1|ab   |00042|+7|ff|%'],
      ["{{ '\\ny' | indent(2, true) }}", '  \n  y'],
    ];
    for (const [source = '', expected] of lines) expect(simple(source).render(''), source).toBe(expected);
  });

  it('takes plain objects as messages and refuses those whose keys lost their order', () => {
    const template = simple('{{ messages[0].extra | tojson }}');
    expect(template.apply([{ role: 'user', content: '', extra: { a: 1, b: [0.5, null, true] } }]).text).toBe(
      '{"a": 1, "b": [0.5, null, true]}',
    );
    expect(() => template.apply([{ role: 'user', content: '', extra: { b: 1, 2: 1 } }])).toThrow(
      expect.objectContaining({ code: 'chat-template-unsupported' }),
    );
  });
});
