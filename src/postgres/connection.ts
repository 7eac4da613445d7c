import { Socket } from 'node:net';
import pg from 'pg';

export interface OwnConnectionOptions extends Omit<pg.ClientConfig, 'stream'> {
  /** Cuts the connection, whatever it is doing. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `work` on a connection outside the pool and ends it afterwards. Whatever ends the connection ends the wait for `work`:
 * `pg` alone leaves a `connect()` that was cut pending for ever.
 *
 * Throws the signal's reason when that cut it, what `pg` threw otherwise.
 */
export async function withOwnConnection<T>(
  options: OwnConnectionOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { signal, ...config } = options;
  signal?.throwIfAborted();
  const socket = new Socket();
  const client = new pg.Client({ keepAlive: true, ...config, stream: () => socket });
  const lost = new Promise<never>((_, reject) => {
    // More than one comes when a connection breaks, and none may go unheard.
    client.on('error', reject);
    client.once('end', () => reject(new Error('Connection terminated')));
  });
  const cut = (): void => void socket.destroy();
  signal?.addEventListener('abort', cut, { once: true });
  try {
    return await Promise.race([lost, client.connect().then(() => work(client))]);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', cut);
    await client.end();
  }
}
