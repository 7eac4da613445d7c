import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { DelayedPipe, Line } from './delayed-pipe.ts';

export interface DelayProxyOptions {
  readonly targetPort: number;
  readonly targetHost?: string;
  /** 0 or absent: a free port. */
  readonly listenPort?: number;
  /** Added to each byte in each direction; a round trip takes twice this. */
  readonly delayMs: number;
  /** Of each direction, shared by all connections. Absent: unlimited. */
  readonly bytesPerSecond?: number;
  /** What one connection may have under way in one direction; at least bandwidth x delay. 64 MiB where absent. */
  readonly inFlightBytesMax?: number;
  /** Resets each connection once it has forwarded this many bytes, both directions counted. */
  readonly cutAfterBytes?: number;
}

export type Direction = 'to-target' | 'to-client';

export interface DelayProxy {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Bytes forwarded so far, over all connections. */
  forwardedBytes(direction: Direction): number;
  /** Resets every open connection at both ends (RST), dropping what is under way. Returns how many there were. */
  cut(): number;
  /** Ends one direction of every open connection (FIN) after what is under way; the other direction goes on. */
  halfClose(direction: Direction): void;
  /** Takes no more connections, cuts those that are open and resolves when the port is free. */
  close(): Promise<void>;
}

interface Connection {
  readonly pipes: Readonly<Record<Direction, DelayedPipe>>;
  cut(): void;
}

/** Starts a TCP proxy on loopback that makes a near server look far away. Rejects if it cannot listen. */
export async function startDelayProxy(options: DelayProxyOptions): Promise<DelayProxy> {
  const bytesPerSecond = options.bytesPerSecond ?? Infinity;
  const inFlightBytesMax = options.inFlightBytesMax ?? 64 * 2 ** 20;
  const cutAfterBytes = options.cutAfterBytes ?? Infinity;
  const lines: Record<Direction, Line> = {
    'to-target': new Line(options.delayMs, bytesPerSecond),
    'to-client': new Line(options.delayMs, bytesPerSecond),
  };
  const forwarded: Record<Direction, number> = { 'to-target': 0, 'to-client': 0 };
  const connections = new Set<Connection>();

  const join = (client: Socket): void => {
    const target = connect({
      port: options.targetPort,
      host: options.targetHost ?? '127.0.0.1',
      allowHalfOpen: true,
      noDelay: true,
    });
    let bytes = 0;
    const pipe = (direction: Direction, source: Socket, sink: Socket): DelayedPipe =>
      new DelayedPipe(source, sink, lines[direction], inFlightBytesMax, (count) => {
        forwarded[direction] += count;
        bytes += count;
        if (bytes >= cutAfterBytes) connection.cut();
      });
    const connection: Connection = {
      pipes: {
        'to-target': pipe('to-target', client, target),
        'to-client': pipe('to-client', target, client),
      },
      cut: () => {
        client.resetAndDestroy();
        target.resetAndDestroy();
      },
    };
    connections.add(connection);
    // A reset at one end is a reset at the other; 'close' follows each 'error', so the error itself adds nothing.
    const forget = (hadError: boolean): void => {
      if (hadError) connection.cut();
      if (client.destroyed && target.destroyed) connections.delete(connection);
    };
    for (const socket of [client, target]) {
      socket.on('error', () => undefined);
      socket.on('close', forget);
    }
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, join);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.listenPort ?? 0, '127.0.0.1', resolve);
  });
  const cut = (): number => {
    const count = connections.size;
    for (const connection of connections) connection.cut();
    return count;
  };
  return {
    port: (server.address() as AddressInfo).port,
    forwardedBytes: (direction) => forwarded[direction],
    cut,
    halfClose: (direction) => {
      for (const connection of connections) connection.pipes[direction].end();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        cut();
      }),
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: {
      'target-port': { type: 'string' },
      'listen-port': { type: 'string', default: '0' },
      'delay-ms': { type: 'string', default: '10' },
      'mib-per-second': { type: 'string', default: 'Infinity' },
    },
  });
  if (values['target-port'] === undefined) throw new Error('--target-port is needed');
  const proxy = await startDelayProxy({
    targetPort: Number(values['target-port']),
    listenPort: Number(values['listen-port']),
    delayMs: Number(values['delay-ms']),
    bytesPerSecond: Number(values['mib-per-second']) * 2 ** 20,
  });
  process.stdout.write(`listening on 127.0.0.1:${proxy.port}\n`);
}
