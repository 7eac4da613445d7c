import { fileURLToPath } from 'node:url';
import { createDataFolder, removeDataFolder, requireFreeBytes } from './data-folder.ts';
import { buildPeers, load, stallReaders } from './load.ts';
import type { Finding, RunRow } from './row.ts';
import { startServer } from './servers.ts';
import type { RunningServer } from './servers.ts';

const fileBytes = 10 * 2 ** 30;
const spareBytes = 5 * 2 ** 30;
const readers = 1000;
// A hundred streams are what HTTP/2 servers commonly allow one connection.
const readersPerConnection = 100;
const megabyte = 1e6;
const diskParent = fileURLToPath(new URL('../..', import.meta.url));

/** The most that all processes of `server` held at one time while `work` ran, looked at four times a second. */
async function peakPssDuring(server: RunningServer, work: () => Promise<unknown>): Promise<number> {
  let peakBytes = server.pssBytes();
  const watch = setInterval(() => {
    peakBytes = Math.max(peakBytes, server.pssBytes());
  }, 250);
  try {
    await work();
  } finally {
    clearInterval(watch);
  }
  return Math.max(peakBytes, server.pssBytes());
}

async function moveOneBigFile(server: RunningServer): Promise<{ file: string; findings: Finding[] }> {
  const { target } = server;
  const goal = { is: '<', value: 200 } as const;
  let file = '';
  const upBytes = await peakPssDuring(server, async () => {
    ({ file } = await load('write', { target, bytes: fileBytes }));
  });
  const rssAfterUpBytes = server.peakRssBytes();
  const downBytes = await peakPssDuring(server, () => load('read', { target, file }));
  const findings: Finding[] = [
    { what: '10 GiB up, peak RSS of the server, MB', ours: rssAfterUpBytes / megabyte, goal },
    { what: '10 GiB up, peak PSS with its database, MB', ours: upBytes / megabyte, goal },
    { what: '10 GiB up and down, peak RSS of the server, MB', ours: server.peakRssBytes() / megabyte, goal },
    { what: '10 GiB down, peak PSS with its database, MB', ours: downBytes / megabyte, goal },
  ];
  return { file, findings };
}

async function stallManyReaders(server: RunningServer, file: string): Promise<Finding[]> {
  const connections = readers / readersPerConnection;
  const pss = await peakPssDuring(server, async () => {
    const stalled = await stallReaders({ target: server.target, file, streams: readers, connections });
    await new Promise((resolve) => setTimeout(resolve, 5000));
    await stalled.release();
  });
  const goal = { is: '<', value: 400 } as const;
  return [
    {
      what: '1,000 stalled readers, peak RSS of the server, MB',
      ours: server.peakRssBytes() / megabyte,
      goal,
    },
    { what: '1,000 stalled readers, peak PSS with its database, MB', ours: pss / megabyte, goal },
  ];
}

/** P8: memory, with a 10 GiB file up and down and with 1,000 readers that stand still. Real disk, beside the checkout. */
export const runRow: RunRow = async ({ ours }) => {
  await buildPeers();
  requireFreeBytes(diskParent, fileBytes + spareBytes);
  const dataFolder = createDataFolder('disk', diskParent);
  // A process for each, so that its peak is its own.
  const onServer = async <T>(use: (server: RunningServer) => Promise<T>): Promise<T> => {
    const server = await startServer(ours, dataFolder);
    try {
      return await use(server);
    } finally {
      await server.stop();
    }
  };
  try {
    const { file, findings } = await onServer(moveOneBigFile);
    const stalled = await onServer((server) => stallManyReaders(server, file));
    return { id: 'P8', title: 'Memory', findings: [...findings, ...stalled] };
  } finally {
    removeDataFolder(dataFolder);
  }
};
