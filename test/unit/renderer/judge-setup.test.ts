/** What the window makes of a judge that is being set up. */
import { describe, expect, it } from 'vitest';
import type { RubricCard } from '../../../src-main/contract/judge.ts';
import {
  checkable,
  keyPlace,
  partOf,
  rubricFor,
  usualServers,
} from '../../../src-renderer/lib/judge-setup.ts';

const cards: RubricCard[] = [
  { id: 'better', title: 'Better', about: '', mode: 'compare', rubric: 'Which is better?' },
  { id: 'polite', title: 'Polite', about: '', mode: 'score', rubric: 'Is it polite?' },
];

describe('a judge that is being set up', () => {
  it('can be checked without model and rubric, and with empty ones', () => {
    for (const { endpoint } of usualServers) {
      expect(checkable({ kind: 'judge', endpoint })?.endpoint).toBe(endpoint);
      expect(checkable({ kind: 'judge', endpoint, model: '', rubric: '' })?.model).toBeUndefined();
    }
  });

  it('can be checked whatever is wrong with settings that a check does not look at', () => {
    const endpoint = 'http://127.0.0.1:1/v1';
    expect(checkable({ kind: 'judge', endpoint, timeout: 'long' })).not.toBeNull();
  });

  it('cannot be checked without an address', () => {
    for (const endpoint of ['', 'here', 'ftp://127.0.0.1/v1'])
      expect(checkable({ kind: 'judge', endpoint })).toBeNull();
    expect(checkable(undefined)).toBeNull();
  });

  it('keeps own words in the other way of judging, and takes a rubric that fits in place of one that ships', () => {
    expect(rubricFor('compare', 'Is it polite?', cards)).toBe('Is it polite?');
    expect(rubricFor('compare', undefined, cards)).toBeUndefined();
    expect(rubricFor('compare', 'builtin:polite', cards)).toBe('builtin:better');
    expect(rubricFor('score', 'builtin:polite', cards)).toBe('builtin:polite');
    expect(rubricFor('score', 'builtin:better', [])).toBeUndefined();
  });

  it('shows a problem at the part that mends it', () => {
    const parts = {
      'judge-model': 'model',
      'judge-rubric': 'rubric',
      'judge-rubric-unknown': 'rubric',
      'data-template': 'rubric',
      'judge-key': 'key',
      'judge-key-open': 'key',
      'key-protected': 'key',
      'keys-unreadable': 'key',
      'judge-endpoint': 'server',
      'judge-refused': 'server',
      'judge-unavailable': 'server',
    };
    for (const [code, part] of Object.entries(parts)) expect(partOf({ code })).toBe(part);
  });

  it('says where a key is kept', () => {
    expect(keyPlace({ name: 'a', place: 'environment', where: 'ESPALIER_KEY_A' })).toBe(
      'environment variable ESPALIER_KEY_A',
    );
    expect(keyPlace({ name: 'a', place: 'file', where: '/keys.json' })).toContain('/keys.json');
    expect(keyPlace({ name: 'a', place: 'protected', where: '/keys.json' })).toContain('encrypted');
  });
});
