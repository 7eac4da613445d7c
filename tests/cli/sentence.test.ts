import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { LongshoreClientError } from '../../src/client/client-error.ts';
import { sentence } from '../../src/cli/sentence.ts';

describe('an error is told as a sentence', () => {
  it("with the server's own words and the fields that were wrong", () => {
    const error = new LongshoreClientError('INVALID_ARGUMENT', 'FIELD_INVALID', 'The request is wrong.', {
      violations: [{ field: 'filter', description: 'names an unknown field' }],
    });
    expect(sentence(error)).toBe('The request is wrong. filter names an unknown field.');
  });

  it('with when to come back', () => {
    const error = new LongshoreClientError('RESOURCE_EXHAUSTED', 'STORAGE_FULL', 'There is no room.', {
      retryAfterMs: 60_000,
    });
    expect(sentence(error)).toBe('There is no room. Try again in 1 min.');
  });

  it('that says when there is no server', () => {
    const error = new LongshoreClientError('UNAVAILABLE', '', 'connect ECONNREFUSED 127.0.0.1:1');
    expect(sentence(error)).toBe('The server cannot be reached (connect ECONNREFUSED 127.0.0.1:1).');
  });

  it("in people's words for what the system said", async () => {
    const error: unknown = await readFile('/nowhere/at all').catch((reason: unknown) => reason);
    expect(sentence(error)).toBe('"/nowhere/at all" is not there.');
  });

  it('without letting a name move the cursor', () => {
    expect(sentence(new Error('no \x1b[2J'))).toBe('no \\x1b[2J');
  });
});
