import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayNameViolations } from '../../src/files/display-name.ts';

describe('a display name', () => {
  it.each([
    'a.pdf',
    'reports/2026/a.pdf',
    'a..b',
    '...',
    '.hidden',
    'Ünïcödé 文件.txt',
    'family \u{1f468}\u200d\u{1f469}\u200d\u{1f467}.png',
    'with spaces and "quotes"*?.txt',
    '__proto__',
    'a'.repeat(255),
    'ä'.repeat(127),
    Array.from({ length: 4 }, () => 'b'.repeat(255)).join('/'),
  ])('%j may be one', (name) => {
    expect(displayNameViolations(name)).toEqual([]);
  });

  it.each([
    ['', 'empty'],
    ['a\0b', 'NUL'],
    ['a\nb', 'control'],
    ['a\u007fb', 'control'],
    ['a\u0085b', 'control'],
    ['a\u2028b', 'line breaks'],
    ['annexe\u202Efdp.exe', 'direction'],
    ['a\u200Fb', 'direction'],
    ['a\u2066b', 'direction'],
    ['a\u061Cb', 'direction'],
    ['a\ud800b', 'surrogate'],
    ['a\udc00', 'surrogate'],
    ['..', '".."'],
    ['a/../b', '".."'],
    ['../../etc/passwd', '".."'],
    ['./a', '".."'],
    ['/etc/passwd', 'begin'],
    ['a\\b', 'backslash'],
    ['a//b', 'empty part'],
    ['a/', 'empty part'],
    ['a'.repeat(256), '255 bytes'],
    ['ä'.repeat(128), '255 bytes'],
    [Array.from({ length: 5 }, () => 'b'.repeat(205)).join('/'), '1024 bytes'],
    ['x'.repeat(10_000), '1024 bytes'],
  ])('%j is refused: %s', (name, because) => {
    expect(displayNameViolations(name)).toEqual([
      { field: 'file.display_name', description: expect.stringContaining(because) },
    ]);
  });

  it('that is accepted stays inside the folder it is put into', () => {
    const part = fc.oneof(
      fc.constantFrom('..', '.', '', 'a', '/', '\\', '\0', '~'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const name = parts.join('/');
        fc.pre(displayNameViolations(name).length === 0);
        const resolved = new URL(name.split('/').map(encodeURIComponent).join('/'), 'file:///root/folder/');
        expect(resolved.pathname.startsWith('/root/folder/')).toBe(true);
      }),
    );
  });
});
