import { cpus } from 'node:os';
import { measureCore } from './core.ts';
import type { RunRow } from './row.ts';

/** P1: SHA-256 of 1 MiB chunks in memory, beside OpenSSL's EVP (which is what node:crypto uses) on one core. */
export const runRow: RunRow = async ({ rounds }) => {
  const speeds = await measureCore(['openssl-chunks', 'chunks', 'chunks-all-cores'], { rounds, mib: 64 });
  return {
    id: 'P1',
    title: 'Chunk digests',
    findings: [
      {
        what: 'one core, GB/s',
        ours: speeds.chunks,
        peer: speeds['openssl-chunks'],
        peerName: 'OpenSSL',
        goal: { is: '>=', value: 1.85 },
      },
      {
        what: `all ${cpus().length} cores, GB/s`,
        ours: speeds['chunks-all-cores'],
        peer: speeds.chunks,
        peerName: 'one core',
        goal: { is: '>=', value: 1.9 },
      },
    ],
  };
};
