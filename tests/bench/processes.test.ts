import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import {
  cpuSecondsBetween,
  cpuSecondsByPid,
  peakRssBytes,
  pssBytes,
  serverProcesses,
} from '../../bench/processes.ts';

const ours: number[] = [];
afterEach(() => {
  for (const pid of ours.splice(0)) process.kill(pid, 'SIGKILL');
});

/** A process that prints its child's pid and waits. */
async function parentWithChild(): Promise<{ parent: number; child: number }> {
  const started = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(started.stdout, 'data')) as [Buffer];
  const pids = { parent: started.pid as number, child: Number(line.toString()) };
  ours.push(pids.child, pids.parent);
  return pids;
}

test.runIf(process.platform === 'linux')('a server is its process and all that descend from it', async () => {
  const { parent, child } = await parentWithChild();
  expect(serverProcesses(parent, '/no/such/folder').sort()).toEqual([parent, child].sort());
});

test.runIf(process.platform === 'linux')('a process that names the data folder belongs to it', async () => {
  const { parent } = await parentWithChild();
  const folder = `/data-of-${parent}`;
  const stranger = spawn(process.execPath, ['-e', 'setTimeout(() => 0, 60_000)', folder], {
    stdio: 'ignore',
  });
  ours.push(stranger.pid as number);
  expect(serverProcesses(parent, folder)).toContain(stranger.pid);
});

test.runIf(process.platform === 'linux')('memory and CPU time of a process are seen', () => {
  expect(peakRssBytes(process.pid)).toBeGreaterThan(10e6);
  expect(pssBytes([process.pid])).toBeGreaterThan(10e6);
  const before = cpuSecondsByPid([process.pid]);
  const until = performance.now() + 100;
  while (performance.now() < until);
  expect(cpuSecondsBetween(before, cpuSecondsByPid([process.pid]))).toBeGreaterThan(0.01);
});
