import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { href, parseRoute } from '../../../src-renderer/lib/route.ts';

describe('addresses', () => {
  it('reads back what it wrote, whatever stands in it', () => {
    const unit = fc.constantFrom(...'aZ09?&=#/%+ .<"', 'é', '👩‍🔬', 'ש', '\\', '\u0000');
    const text = fc.string({ unit, minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(text, fc.dictionary(text, text, { maxKeys: 4 }), (id, query) => {
        const route = parseRoute(href('run', id, query));
        expect(route.page).toBe('run');
        expect(route.id).toBe(id);
        expect({ ...route.query }).toEqual({ ...query });
      }),
    );
  });

  it.each([
    ['', 'home'],
    ['#/', 'home'],
    ['#/samples?run=1', 'samples'],
    ['#/nowhere', 'missing'],
    ['#/missing', 'missing'],
    ['#/run/%E0%A4%A', 'run'],
  ])('%s leads to %s', (fragment, page) => {
    expect(parseRoute(fragment).page).toBe(page);
  });

  it('leaves empty values out', () => {
    expect(href('samples', '', { run: 'a', search: '', step: null, min: 0 })).toBe('#/samples?run=a&min=0');
  });
});
