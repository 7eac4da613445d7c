/**
 * Text from elsewhere as a terminal may show it: control characters, and those that turn the direction of text around,
 * become visible escapes, so that a name can neither move the cursor nor pretend to be another.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** At most `columns` characters, the middle left out: beginnings and ends of names tell the most. */
export function shorten(text: string, columns: number): string {
  const characters = [...text];
  if (characters.length <= columns) return text;
  if (columns <= 1) return '…'.slice(0, columns);
  const head = Math.ceil((columns - 1) / 2);
  const tail = columns - 1 - head;
  return [...characters.slice(0, head), '…', ...characters.slice(characters.length - tail)].join('');
}
