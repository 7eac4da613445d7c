import { readFileSync } from 'node:fs';

/** Of the package, as `longshore --version` and GetServerInfo tell it. */
export const version: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version;
