import { describe, expect, it } from 'vitest';
import { fileName, parseTarget } from '../../src/client/target.ts';

const HEX = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('what a read is asked for', () => {
  it('is a file by its full name', () => {
    expect(parseTarget('tenants/a/files/b', 'x')).toEqual({ kind: 'file', name: 'tenants/a/files/b' });
  });

  it("is a file of the client's tenant by its id alone", () => {
    expect(parseTarget('01abc', 'x')).toEqual({ kind: 'file', name: 'tenants/x/files/01abc' });
  });

  it('is content by its digest, in either case', () => {
    expect(parseTarget(`sha256:${HEX.toUpperCase()}`, 'x')).toEqual({ kind: 'digest', sha256: HEX });
  });

  it.each(['sha256:abc', `sha256:${HEX}0`, 'a/b', 'tenants/a/uploads/b', 'tenants/a/files/', ''])(
    'is nothing else: %j',
    (text) => {
      expect(() => parseTarget(text, 'x')).toThrow(TypeError);
    },
  );

  it('is no digest where only a record will do', () => {
    expect(fileName('b', 'x')).toBe('tenants/x/files/b');
    expect(() => fileName('a/b', 'x')).toThrow('is not the name of a file');
  });
});
