import { withContenders, write, read } from './contenders.ts';
import { warmMemoryFolder } from './data-folder.ts';
import { buildPeers, load } from './load.ts';
import { alternate } from './measure.ts';
import type { Finding, RunRow } from './row.ts';

const streams = 50;
const perStreamBytes = 20 * 2 ** 20;
const totalBytes = streams * perStreamBytes;
const smallFileBytes = 4096;
const smallReads = 1000;

/** P9: fifty streams beside one that moves as much, and a thousand small reads at once. */
export const runRow: RunRow = async ({ rounds, ours }) => {
  await buildPeers();
  const findings = await withContenders({ ours }, 'memory', async ({ ours: contender }) => {
    await warmMemoryFolder(contender.dataFolder, totalBytes * (2 * rounds + 3));
    const { file } = await write(contender, { bytes: totalBytes });
    const { file: smallFile } = await write(contender, { bytes: smallFileBytes });
    const speed = async (result: Promise<{ mib_per_s: number }>) => ({ mibPerS: (await result).mib_per_s });

    const reads = await alternate(
      {
        one: () => speed(read(contender, { file })),
        fifty: () => speed(read(contender, { file, streams, limit: perStreamBytes })),
        fiftyClients: () =>
          speed(read(contender, { file, streams, limit: perStreamBytes, connections: streams })),
      },
      rounds,
    );
    const writes = await alternate(
      {
        one: () => speed(write(contender, { bytes: totalBytes })),
        fifty: () => speed(write(contender, { bytes: perStreamBytes, streams })),
      },
      rounds,
    );
    const atOnce = await load(
      'small-reads',
      {
        target: contender.server.target,
        file: smallFile,
        count: smallReads,
        concurrency: smallReads,
        connections: 10,
      },
      { mayFail: true },
    );
    const goal = { is: '>=', value: 0.9 } as const;
    const peerName = 'one stream';
    const found: Finding[] = [
      {
        what: '50 streams read, total MiB/s',
        ours: reads.fifty.median.mibPerS,
        peer: reads.one.median.mibPerS,
        peerName,
        goal,
      },
      {
        what: '50 streams read, a connection each, total MiB/s',
        ours: reads.fiftyClients.median.mibPerS,
        peer: reads.one.median.mibPerS,
        peerName,
        goal,
      },
      {
        what: '50 streams written, total MiB/s',
        ours: writes.fifty.median.mibPerS,
        peer: writes.one.median.mibPerS,
        peerName,
        goal,
      },
      { what: '1,000 reads of 4 KiB at once, failed', ours: atOnce.failed, goal: { is: '<=', value: 0 } },
      { what: '1,000 reads of 4 KiB at once, p50 ms', ours: atOnce.p50_ms },
      { what: '1,000 reads of 4 KiB at once, p99 ms', ours: atOnce.p99_ms },
    ];
    return found;
  });
  return { id: 'P9', title: 'Many at once', findings };
};
