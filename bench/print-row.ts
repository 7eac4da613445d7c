import { cpus } from 'node:os';
import { isMet, ratioOf } from './row.ts';
import type { Finding, Row } from './row.ts';

function figure(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function cells(finding: Finding): string[] {
  const { peer, peerName = 'peer', goal } = finding;
  const ratio = ratioOf(finding);
  const met = isMet(finding);
  return [
    finding.what,
    `ours ${figure(finding.ours)}`,
    peer === undefined ? '' : `${peerName} ${figure(peer)}`,
    ratio === undefined ? '' : `ratio ${ratio.toFixed(2)}`,
    goal === undefined ? '' : `goal ${goal.is} ${goal.value}`,
    met === undefined ? '' : met ? 'met' : 'MISSED',
  ];
}

/** A row as a table for people, with its verdict as the last line. */
export function formatRow(row: Row): string {
  const table = row.findings.map(cells);
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? [];
  const lines = table.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  const verdicts = row.findings.map(isMet).filter((met) => met !== undefined);
  const missed = verdicts.filter((met) => !met).length;
  const verdict =
    missed === 0 ? `all ${verdicts.length} goals met` : `${missed} of ${verdicts.length} goals missed`;
  return [
    `${row.id} ${row.title}`,
    ...lines.map((line) => `  ${line.trimEnd()}`),
    `verdict: ${verdict}`,
  ].join('\n');
}

/** The same for programs: each finding with its ratio and whether its goal is met, and the machine it was had on. */
export function rowJson(row: Row): unknown {
  return {
    ...row,
    findings: row.findings.map((finding) => ({ ...finding, ratio: ratioOf(finding), met: isMet(finding) })),
    machine: { cpus: cpus().length, model: cpus()[0]?.model, node: process.version },
  };
}
