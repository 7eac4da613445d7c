import { describe, expect, it } from 'vitest';
import { labelViolations } from '../../src/files/labels.ts';

describe('labels', () => {
  it('may be 64, with keys of 63 and values of 255 bytes', () => {
    const labels = Object.fromEntries(
      Array.from({ length: 64 }, (_, i) => [String(i).padStart(63, 'a'), 'ä'.repeat(127)]),
    );
    expect(labelViolations(labels)).toEqual([]);
    expect(labelViolations({ 'a.b_c-d': '', env: 'prod 文' })).toEqual([]);
    expect(labelViolations({})).toEqual([]);
  });

  it.each([
    [{ UPPER: 'x' }, 'file.labels'],
    [{ '': 'x' }, 'file.labels'],
    [{ 'a b': 'x' }, 'file.labels'],
    [{ ['a'.repeat(64)]: 'x' }, 'file.labels'],
    [{ env: 'x'.repeat(256) }, 'file.labels.env'],
    [{ env: 'ä'.repeat(128) }, 'file.labels.env'],
    [{ env: 'a\0b' }, 'file.labels.env'],
    [{ env: 'a\nb' }, 'file.labels.env'],
    [{ env: '\ud800' }, 'file.labels.env'],
    [Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, ''])), 'file.labels'],
  ])('%j are refused', (labels, field) => {
    expect(labelViolations(labels as Record<string, string>)).toEqual([
      { field, description: expect.any(String) },
    ]);
  });

  it('are refused with every fault at once', () => {
    expect(labelViolations({ A: '', env: '\0', ok: '' })).toHaveLength(2);
  });
});
