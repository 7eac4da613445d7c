import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpSwitch extends AsyncDisposable {
  /** The database's connection string, through the switch. */
  readonly url: string;
  /** Resets every connection and refuses new ones at once. */
  off(): void;
  /** Keeps every connection open and passes nothing on, as when the cable is out. */
  freeze(): void;
  on(): void;
}

/** A way to a Postgres that can be cut without touching the Postgres, which other tests use. */
export async function startTcpSwitch(databaseUrl: string): Promise<TcpSwitch> {
  const target = new URL(databaseUrl);
  const socketFolder = target.searchParams.get('host');
  const port = Number(target.port === '' ? '5432' : target.port);
  const sockets = new Set<Socket>();
  let state: 'on' | 'off' | 'frozen' = 'on';
  const server = createServer((near) => {
    if (state === 'off') {
      near.resetAndDestroy();
      return;
    }
    const far =
      socketFolder === null ? connect(port, target.hostname) : connect(`${socketFolder}/.s.PGSQL.${port}`);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (data) => void (state !== 'frozen' && to.write(data)));
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  url.searchParams.delete('host');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    off: () => {
      state = 'off';
      cut();
    },
    freeze: () => void (state = 'frozen'),
    on: () => {
      // What was swallowed is lost, so the connections it was lost from are of no more use.
      if (state === 'frozen') cut();
      state = 'on';
    },
    [Symbol.asyncDispose]: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
