import { createHash } from 'node:crypto';
import { forgetUpload, withContenders, write } from './contenders.ts';
import type { Contender } from './contenders.ts';
import { warmMemoryFolder } from './data-folder.ts';
import { buildPeers } from './load.ts';
import { alternate } from './measure.ts';
import type { RunRow } from './row.ts';

const fileBytes = 2 ** 30;
const chunk = 2 ** 20;

/** OpenSSL's SHA-256 on this thread: 16 buffers of 1 MiB again and again, so that memory is read as a stream would be. */
function hashOnOneCore(): { mibPerS: number; cpuSPerGib: number } {
  const buffers = Array.from({ length: 16 }, (_, i) => Buffer.alloc(chunk, i));
  const hash = createHash('sha256');
  const startedAt = performance.now();
  for (let i = 0; i < fileBytes / chunk; i += 1) hash.update(buffers[i % 16] as Buffer);
  hash.digest();
  const seconds = (performance.now() - startedAt) / 1000;
  return { mibPerS: fileBytes / 2 ** 20 / seconds, cpuSPerGib: seconds };
}

/** P4: WriteUpload, hashed, checksummed and stored on a memory-backed disk, beside SHA-256 alone on one core. */
export const runRow: RunRow = async ({ rounds, ours }) => {
  await buildPeers();
  const speeds = await withContenders({ ours, go: 'go', cpp: 'cpp' }, 'memory', async (contenders) => {
    // What we keep of all rounds, and one upload of a peer.
    await warmMemoryFolder(contenders.ours.dataFolder, fileBytes * (rounds + 2));
    const writeOnce = async (contender: Contender) => {
      const result = await write(contender, { bytes: fileBytes, chunk });
      forgetUpload(contender, result.file);
      return { mibPerS: result.mib_per_s, cpuSPerGib: result.cpuSeconds / (result.bytes / 2 ** 30) };
    };
    return alternate(
      {
        ours: () => writeOnce(contenders.ours),
        sha256: () => Promise.resolve(hashOnOneCore()),
        go: () => writeOnce(contenders.go),
        cpp: () => writeOnce(contenders.cpp),
      },
      rounds,
    );
  });
  const [our, sha256] = [speeds.ours.median, speeds.sha256.median];
  const what = 'write, 1 MiB chunks';
  return {
    id: 'P4',
    title: 'WriteUpload, hashed, checksummed and stored, one stream',
    findings: [
      {
        what: `${what}, MiB/s`,
        ours: our.mibPerS,
        peer: sha256.mibPerS,
        peerName: 'SHA-256 on one core',
        goal: { is: '>=', value: 0.8 },
      },
      { what: `${what}, MiB/s`, ours: our.mibPerS, peer: speeds.go.median.mibPerS, peerName: 'Go, no hash' },
      {
        what: `${what}, MiB/s`,
        ours: our.mibPerS,
        peer: speeds.cpp.median.mibPerS,
        peerName: 'C++, no hash',
      },
      {
        what: `${what}, server CPU s/GiB`,
        ours: our.cpuSPerGib,
        peer: sha256.cpuSPerGib,
        peerName: 'SHA-256 on one core',
      },
    ],
  };
};
