import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeIds } from '../../src/files/ids.ts';
import { checkId } from '../../src/files/names.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('an id', () => {
  it('is 26 characters in lower case that a name may hold', () => {
    const newId = makeIds(new FakeClock(), randomBytes);
    for (let i = 0; i < 100; i += 1) {
      const id = newId();
      expect(id).toMatch(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/);
      expect(checkId(id, 'id')).toBe(id);
    }
  });

  it('sorts after those of earlier milliseconds', async () => {
    const clock = new FakeClock();
    const newId = makeIds(clock, randomBytes);
    const ids: string[] = [];
    for (let i = 0; i < 50; i += 1) {
      ids.push(newId());
      await clock.advance(1);
    }
    expect(ids.toSorted()).toEqual(ids);
  });

  it('does not follow from another of the same millisecond', () => {
    const newId = makeIds(new FakeClock(), randomBytes);
    const ids = Array.from({ length: 1000 }, newId);
    expect(new Set(ids.map((id) => id.slice(10))).size).toBe(1000);
    // All sixteen random characters vary over the whole alphabet.
    for (let place = 10; place < 26; place += 1) {
      expect(new Set(ids.map((id) => id[place])).size).toBe(32);
    }
  });

  it('is made of the time and the random bytes that were given', () => {
    const newId = makeIds(new FakeClock(31), (size) => new Uint8Array(size).fill(255));
    expect(newId()).toBe('000000000zzzzzzzzzzzzzzzzz');
  });
});
