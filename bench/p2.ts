import { measureCore } from './core.ts';
import type { RunRow } from './row.ts';

/**
 * P2: SHA-256 of the whole and of each chunk, and CRC32C of each block, in one pass over content in memory, beside
 * OpenSSL's SHA-256 of the whole alone.
 */
export const runRow: RunRow = async ({ rounds }) => {
  const speeds = await measureCore(['openssl-whole', 'one-pass', 'two-threads'], { rounds, mib: 256 });
  const peer = { peer: speeds['openssl-whole'], peerName: 'OpenSSL, whole alone' };
  return {
    id: 'P2',
    title: 'Whole-file and chunk digests in one pass',
    findings: [
      { what: 'two cores, GB/s', ours: speeds['two-threads'], ...peer, goal: { is: '>=', value: 0.95 } },
      { what: 'one core, GB/s', ours: speeds['one-pass'], ...peer, goal: { is: '>=', value: 0.75 } },
    ],
  };
};
