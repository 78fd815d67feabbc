/** The instruction checks against the marks that were published with IFEval, and their settings. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { instructionSchema } from '../../../src-main/contract/instruction-checks.ts';
import { instructionChecks } from '../../../src-main/rewards/instruction-checks.ts';
import { findLanguage } from '../../../src-main/rewards/language.ts';
import { component, fixtureRows, verdict } from './reward-item.ts';

const rowSchema = z.object({
  key: z.number(),
  instruction_id_list: z.array(z.string()),
  kwargs: z.array(z.record(z.string(), z.json())),
  response: z.string(),
  followed_strict: z.array(z.boolean()),
});
const sourceRows = fixtureRows('ifeval/responses.jsonl');
const rows = sourceRows.map((row) => rowSchema.parse(row));

/** Both need a language detector, and that of the reference errs on a few words. */
const inexact: Readonly<Record<string, number>> = {
  'change_case:english_capital': 20 / 22,
  'change_case:english_lowercase': 31 / 33,
};

const known = (id: string): id is keyof typeof instructionChecks => Object.hasOwn(instructionChecks, id);

describe('instruction checks', () => {
  it.each(Object.keys(instructionChecks))('%s agrees with the published marks', (id) => {
    if (!known(id)) throw new Error(id);
    const mistaken: number[] = [];
    let marks = 0;
    for (const { key, instruction_id_list: ids, kwargs, response, followed_strict: followed } of rows) {
      for (const [place, one] of ids.entries()) {
        if (one !== id) continue;
        marks += 1;
        if (instructionChecks[id](response, kwargs[place]!) !== followed[place]) mistaken.push(key);
      }
    }
    expect(marks).toBeGreaterThan(8);
    const least = inexact[id];
    if (least === undefined) expect(mistaken).toEqual([]);
    else expect(1 - mistaken.length / marks).toBeGreaterThanOrEqual(least);
  });

  it('marks rows by the columns that they have', () => {
    const settings = { idsColumn: 'instruction_id_list', argumentsColumn: 'kwargs' };
    const exact = rows.flatMap((row, place) =>
      row.instruction_id_list.some((id) => id in inexact)
        ? []
        : [{ row, source: z.record(z.string(), z.json()).parse(sourceRows[place]) }],
    );
    for (const { row, source } of exact) {
      const share = row.followed_strict.filter(Boolean).length / row.followed_strict.length;
      const item = { response: row.response, row: source };
      expect(verdict('instructions', settings, item).value, String(row.key)).toBeCloseTo(share, 12);
      expect(verdict('instructions', { ...settings, need: 'all' }, item).value).toBe(share === 1 ? 1 : 0);
    }
  });

  it('has a form for every id, and takes no other', () => {
    const ids = instructionSchema.options.map((option) => [...option.shape.id.values][0]);
    expect([...ids].sort()).toEqual(Object.keys(instructionChecks).sort());
    expect(instructionSchema.safeParse({ id: 'no:such', arguments: {} }).success).toBe(false);
    expect(
      instructionSchema.safeParse({ id: 'keywords:existence', arguments: { keywords: [] } }).success,
    ).toBe(false);
    expect(
      component('instructions', { instructions: [{ id: 'punctuation:no_comma' }] }).instructions,
    ).toEqual([{ id: 'punctuation:no_comma', arguments: {} }]);
  });

  it('is at a loss with the row, not the answer, when something is missing', () => {
    const settings = { idsColumn: 'ids', argumentsColumn: 'arguments' };
    const at = (row: Record<string, z.core.util.JSONType>) =>
      verdict('instructions', settings, { response: 'a text', row });
    expect(at({}).value).toBeNull();
    expect(at({ ids: [], arguments: [] }).value).toBeNull();
    expect(at({ ids: ['no:such'], arguments: [{}] }).reason).toContain('no:such');
    expect(
      at({ ids: ['keywords:frequency'], arguments: [{ keyword: 'a', relation: null }] }).value,
    ).toBeNull();
    expect(at({ ids: '["punctuation:no_comma"]', arguments: '[null]' }).value).toBe(1);
    expect(() => component('instructions')).toThrow(/at least one instruction/);
  });

  it('gives an empty answer nothing', () => {
    const settings = { instructions: [{ id: 'punctuation:no_comma' }] };
    expect(verdict('instructions', settings, { response: ' \n' }).value).toBe(0);
    expect(verdict('instructions', settings, { response: 'yes' }).value).toBe(1);
  });

  it('takes keywords as plain texts, not as patterns', () => {
    const settings = { instructions: [{ id: 'keywords:existence', arguments: { keywords: ['(a+)+$'] } }] };
    expect(verdict('instructions', settings, { response: 'aaa' }).value).toBe(0);
    expect(verdict('instructions', settings, { response: 'use (a+)+$ here' }).value).toBe(1);
  });
});

describe('findLanguage', () => {
  it.each([
    ['en', 'The quick brown fox jumps over the lazy dog and that is all there is to it.'],
    ['es', 'El perro corre por la calle y no quiere volver a su casa.'],
    ['pt', 'O cão corre pela rua e não quer voltar para a sua casa.'],
    ['fr', 'Le chien court dans la rue et ne veut pas rentrer à la maison.'],
    ['de', 'Der Hund läuft über die Straße und will nicht nach Hause gehen.'],
    ['it', 'Il cane corre per la strada e non vuole tornare a casa.'],
    ['pl', 'Pies biegnie ulicą i nie chce wrócić do domu, bo jest ładna pogoda.'],
    ['fi', 'Koira juoksee kadulla, mutta se ei halua mennä kotiin, koska sää on hyvä.'],
    ['sw', 'Mbwa anakimbia katika barabara na hataki kurudi nyumbani kwa sababu ya mvua.'],
    ['vi', 'Con chó chạy trên đường và không muốn về nhà.'],
    ['ru', 'Собака бежит по улице и не хочет возвращаться домой, потому что это было весело.'],
    ['uk', 'Собака біжить вулицею і не хоче повертатися додому.'],
    ['bg', 'Кучето тича по улицата и не иска да се върне у дома.'],
    ['ar', 'الكلب يجري في الشارع ولا يريد أن يعود إلى البيت.'],
    ['fa', 'سگ در خیابان می دود و نمی خواهد به خانه برگردد چون هوا خوب است.'],
    ['ur', 'کتا سڑک پر دوڑ رہا ہے اور گھر واپس نہیں جانا چاہتا۔'],
    ['hi', 'कुत्ता सड़क पर दौड़ रहा है और घर नहीं जाना चाहता।'],
    ['mr', 'कुत्रा रस्त्यावर धावत आहे आणि त्याला घरी जायचे नाही.'],
    ['ja', '犬は通りを走っていて、家に帰りたくない。'],
    ['ko', '개가 거리를 달리고 집에 가고 싶어하지 않는다.'],
    ['th', 'สุนัขวิ่งอยู่บนถนน'],
    ['he', 'הכלב רץ ברחוב'],
    ['kn', 'ನಾಯಿ ಓಡುತ್ತಿದೆ'],
    ['zh', '狗在街上跑，不想回家。'],
  ])('knows %s', (language, text) => {
    expect(findLanguage(text).language).toBe(language);
  });
  it('says nothing of what has no letters', () => {
    expect(findLanguage('42 !').language).toBeNull();
  });
});
