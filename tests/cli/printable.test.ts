import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { printable, shorten } from '../../src/cli/printable.ts';

describe('text from elsewhere', () => {
  it('cannot move the cursor or begin a new line', () => {
    expect(printable('a\x1b[2Jb\nc\r')).toBe('a\\x1b[2Jb\\x0ac\\x0d');
  });

  it('cannot turn the direction of what follows', () => {
    expect(printable('annexe\u202efdp.exe')).toBe('annexe\\u{202e}fdp.exe');
  });

  it('stays as it is where it is harmless', () => {
    expect(printable('Zeugnis – größe 1.pdf 文書 🚢')).toBe('Zeugnis – größe 1.pdf 文書 🚢');
  });
});

describe('text that is too long', () => {
  it('keeps its beginning and its end', () => {
    expect(shorten('holiday-pictures-2026.zip', 11)).toBe('holid…6.zip');
  });

  it('is never longer than it may be, and untouched where it fits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(40), (text, columns) => {
        const short = shorten(text, columns);
        expect([...short].length).toBeLessThanOrEqual(columns);
        if ([...text].length <= columns) expect(short).toBe(text);
      }),
    );
  });
});
