// Writes the table of settings into the README, between its two marks.
import { readFile, writeFile } from 'node:fs/promises';
import { settingsTable } from '../src/config.ts';

const readme = new URL('../README.md', import.meta.url);
const marks = /(<!-- settings -->\n)[^]*?(<!-- \/settings -->)/;
const text = await readFile(readme, 'utf8');
if (!marks.test(text)) {
  throw new Error(
    'README.md has no "<!-- settings -->" and "<!-- /settings -->" to write the table between.',
  );
}
// Not for the formatter: it would pad every line to the longest.
const table = `<!-- prettier-ignore-start -->\n\n${settingsTable()}\n\n<!-- prettier-ignore-end -->\n`;
await writeFile(
  readme,
  text.replace(marks, (_, from: string, to: string) => `${from}${table}${to}`),
);
