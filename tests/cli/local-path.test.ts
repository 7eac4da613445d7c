import { describe, expect, it } from 'vitest';
import { localPath } from '../../src/cli/local-path.ts';

describe('where a download goes', () => {
  it('is below the folder, by its name', () => {
    expect(localPath('out', 'photos/2026/a.jpg')).toBe('out/photos/2026/a.jpg');
    expect(localPath('.', 'a..b')).toBe('a..b');
  });

  it.each(['../a', 'a/../../b', '/etc/passwd', '..', '.', '', 'a//b', 'a/', 'a\0b', 'a/./b'])(
    'is nowhere for the name %j',
    (name) => {
      expect(() => localPath('out', name)).toThrow('does not stay within a folder');
    },
  );

  it.each(['a\\..\\..\\b', 'c:\\windows', 'a:stream'])('is nowhere for %j where "\\" separates', (name) => {
    expect(() => localPath('out', name, '\\')).toThrow('does not stay within a folder');
  });
});
