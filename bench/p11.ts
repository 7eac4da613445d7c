import { createDataFolder, removeDataFolder } from './data-folder.ts';
import { buildPeers, load } from './load.ts';
import { median } from './measure.ts';
import type { RunRow } from './row.ts';
import { startServer } from './servers.ts';

/** P11: from the spawn of `serve` to the first answer over gRPC, on a data folder that exists, on a real disk. */
export const runRow: RunRow = async ({ rounds, ours }) => {
  await buildPeers();
  const dataFolder = createDataFolder('disk');
  try {
    const first = await startServer(ours, dataFolder);
    try {
      await load('write', { target: first.target, bytes: 2 ** 20 });
    } finally {
      await first.stop();
    }
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const server = await startServer(ours, dataFolder);
      seconds.push(server.startSeconds);
      await server.stop();
    }
    const goal = { is: '<', value: 1 } as const;
    return {
      id: 'P11',
      title: 'Start',
      findings: [
        { what: 'first answer on an existing data folder, median, s', ours: median(seconds), goal },
        { what: 'first answer on an existing data folder, slowest, s', ours: Math.max(...seconds), goal },
        { what: 'first answer on an empty data folder, s', ours: first.startSeconds },
      ],
    };
  } finally {
    removeDataFolder(dataFolder);
  }
};
