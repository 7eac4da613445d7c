import { expect, test } from 'vitest';
import { formatRow } from '../../bench/print-row.ts';
import { isMet, ratioOf } from '../../bench/row.ts';
import type { Finding } from '../../bench/row.ts';

const beside: Finding = {
  what: 'read, MiB/s',
  ours: 150,
  peer: 100,
  peerName: 'Go',
  goal: { is: '>=', value: 1.2 },
};

test('a goal beside a peer is compared with the ratio', () => {
  expect(ratioOf(beside)).toBe(1.5);
  expect(isMet(beside)).toBe(true);
  expect(isMet({ ...beside, ours: 119 })).toBe(false);
});

test('a goal without a peer is compared with our figure', () => {
  expect(isMet({ what: 'peak, MB', ours: 199, goal: { is: '<', value: 200 } })).toBe(true);
  expect(isMet({ what: 'peak, MB', ours: 200, goal: { is: '<', value: 200 } })).toBe(false);
});

test('a figure that could not be had meets no goal', () => {
  expect(isMet({ ...beside, ours: NaN })).toBe(false);
});

test('a finding without a goal has no verdict', () => {
  expect(isMet({ what: 'p50, ms', ours: 3 })).toBeUndefined();
});

test('the last line of a row tells how many goals were missed', () => {
  const row = { id: 'P0', title: 'A row', findings: [beside, { ...beside, ours: 100 }] };
  const lines = formatRow(row).split('\n');
  expect(lines[1]).toBe('  read, MiB/s  ours 150  Go 100  ratio 1.50  goal >= 1.2  met');
  expect(lines.at(-1)).toBe('verdict: 1 of 2 goals missed');
});
