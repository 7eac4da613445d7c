import { readdirSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { removeAllDataFolders } from './data-folder.ts';
import { formatRow, rowJson } from './print-row.ts';
import { isMet } from './row.ts';
import type { BenchOptions, RunRow, ServerKind } from './row.ts';
import { endAllServers } from './servers.ts';

const usage = `npm run bench -- <row>... [--json] [--rounds N] [--ours longshore|cpp|go]
  rows: ${rowIds().join(' ')}, or all`;

function rowIds(): string[] {
  return readdirSync(fileURLToPath(new URL('.', import.meta.url)))
    .map((name) => /^(p\d+)\.ts$/.exec(name)?.[1])
    .filter((id) => id !== undefined)
    .sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
}

function isServerKind(text: string): text is ServerKind {
  return ['longshore', 'cpp', 'go'].includes(text);
}

function parse(): { ids: string[]; json: boolean; options: BenchOptions } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      ours: { type: 'string', default: 'longshore' },
    },
  });
  const rounds = Number(values.rounds);
  const known = rowIds();
  const ids = positionals.includes('all') ? known : positionals.map((id) => id.toLowerCase());
  const isUnderstood =
    ids.length > 0 && ids.every((id) => known.includes(id)) && Number.isInteger(rounds) && rounds > 0;
  if (!isUnderstood || !isServerKind(values.ours)) {
    process.stderr.write(`${usage}\n`);
    process.exit(2);
  }
  return { ids, json: values.json, options: { rounds, ours: values.ours } };
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(1));
}
process.once('exit', () => {
  endAllServers();
  removeAllDataFolders();
});

const { ids, json, options } = parse();
const [load = 0] = loadavg();
if (load > availableParallelism()) {
  process.stderr.write(
    `${load.toFixed(1)} processes want this machine's ${availableParallelism()} cores: not a quiet run\n`,
  );
}
for (const id of ids) {
  const { runRow } = (await import(`./${id}.ts`)) as { runRow: RunRow };
  const measured = await runRow(options);
  const title =
    options.ours === 'longshore' ? measured.title : `${measured.title} (in our place: ${options.ours})`;
  const row = { ...measured, title };
  process.stdout.write(`${json ? JSON.stringify(rowJson(row)) : formatRow(row)}\n`);
  if (row.findings.some((finding) => isMet(finding) === false)) process.exitCode = 1;
}
