import { read, withContenders, write } from './contenders.ts';
import type { Contender } from './contenders.ts';
import { buildPeers } from './load.ts';
import { alternate } from './measure.ts';
import type { Finding, RunRow } from './row.ts';

const fileBytes = 2 ** 30;
const chunkSizes = [256 * 1024, 1024 * 1024];

/** P3: ReadFile from the disk tier, one stream, beside a Go and a C++ server that read the same bytes from disk. */
export const runRow: RunRow = async ({ rounds, ours }) => {
  await buildPeers();
  const findings = await withContenders({ ours, go: 'go', cpp: 'cpp' }, 'memory', async (contenders) => {
    const files = {
      ours: (await write(contenders.ours, { bytes: fileBytes })).file,
      go: (await write(contenders.go, { bytes: fileBytes })).file,
      cpp: (await write(contenders.cpp, { bytes: fileBytes })).file,
    };
    const found: Finding[] = [];
    for (const chunk of chunkSizes) {
      const readOnce = async (contender: Contender, file: string) => {
        const result = await read(contender, { file, chunk });
        return { mibPerS: result.mib_per_s, cpuSPerGib: result.cpuSeconds / (result.bytes / 2 ** 30) };
      };
      const speeds = await alternate(
        {
          ours: () => readOnce(contenders.ours, files.ours),
          go: () => readOnce(contenders.go, files.go),
          cpp: () => readOnce(contenders.cpp, files.cpp),
        },
        rounds,
      );
      const what = `read, ${chunk / 1024} KiB chunks`;
      const [our, go, cpp] = [speeds.ours.median, speeds.go.median, speeds.cpp.median];
      found.push(
        {
          what: `${what}, MiB/s`,
          ours: our.mibPerS,
          peer: go.mibPerS,
          peerName: 'Go',
          goal: { is: '>=', value: 1.2 },
        },
        {
          what: `${what}, MiB/s`,
          ours: our.mibPerS,
          peer: cpp.mibPerS,
          peerName: 'C++',
          goal: { is: '>=', value: 0.75 },
        },
        {
          what: `${what}, server CPU s/GiB`,
          ours: our.cpuSPerGib,
          peer: go.cpuSPerGib,
          peerName: 'Go',
          goal: { is: '<', value: 1 },
        },
        {
          what: `${what}, server CPU s/GiB`,
          ours: our.cpuSPerGib,
          peer: cpp.cpuSPerGib,
          peerName: 'C++',
        },
      );
    }
    return found;
  });
  return { id: 'P3', title: 'ReadFile from the disk tier, one stream', findings };
};
