import { forgetUpload, read, withContenders, write } from './contenders.ts';
import type { Contender } from './contenders.ts';
import { warmMemoryFolder } from './data-folder.ts';
import { startDelayProxy } from './delay-proxy.ts';
import { buildPeers } from './load.ts';
import { alternate } from './measure.ts';
import type { Finding, RunRow } from './row.ts';

const fileBytes = 512 * 2 ** 20;
const chunk = 2 ** 20;
const roundTripMs = 20;

/** P5: WriteUpload over a line with 20 ms of round trip, beside a C++ server over the same line. */
export const runRow: RunRow = async ({ rounds, ours }) => {
  await buildPeers();
  const findings = await withContenders({ ours, go: 'go', cpp: 'cpp' }, 'memory', async (contenders) => {
    await warmMemoryFolder(contenders.ours.dataFolder, fileBytes * (rounds + 2));
    /** Each transfer comes over a line of its own, as from a new client. */
    const over = async (contender: Contender, work: (target: string) => Promise<number>) => {
      const line = await startDelayProxy({ targetPort: contender.server.port, delayMs: roundTripMs / 2 });
      try {
        return { mibPerS: await work(`127.0.0.1:${line.port}`) };
      } finally {
        await line.close();
      }
    };
    const writeOnce = (contender: Contender) =>
      over(contender, async (target) => {
        const result = await write(contender, { bytes: fileBytes, chunk }, target);
        forgetUpload(contender, result.file);
        return result.mib_per_s;
      });
    const writes = await alternate(
      {
        ours: () => writeOnce(contenders.ours),
        go: () => writeOnce(contenders.go),
        cpp: () => writeOnce(contenders.cpp),
      },
      rounds,
    );
    const files = {
      ours: (await write(contenders.ours, { bytes: fileBytes })).file,
      cpp: (await write(contenders.cpp, { bytes: fileBytes })).file,
    };
    const readOnce = (contender: Contender, file: string) =>
      over(contender, async (target) => (await read(contender, { file, chunk }, target)).mib_per_s);
    const reads = await alternate(
      {
        ours: () => readOnce(contenders.ours, files.ours),
        cpp: () => readOnce(contenders.cpp, files.cpp),
      },
      rounds,
    );
    const what = `${roundTripMs} ms of round trip, MiB/s`;
    const found: Finding[] = [
      {
        what: `write over ${what}`,
        ours: writes.ours.median.mibPerS,
        peer: writes.cpp.median.mibPerS,
        peerName: 'C++',
        goal: { is: '>=', value: 0.8 },
      },
      {
        what: `write over ${what}`,
        ours: writes.ours.median.mibPerS,
        peer: writes.go.median.mibPerS,
        peerName: 'Go',
      },
      {
        what: `read over ${what}`,
        ours: reads.ours.median.mibPerS,
        peer: reads.cpp.median.mibPerS,
        peerName: 'C++',
      },
    ];
    return found;
  });
  return { id: 'P5', title: 'WriteUpload over 20 ms of round trip, one stream', findings };
};
