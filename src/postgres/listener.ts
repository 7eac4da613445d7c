import pg from 'pg';
import { systemClock, type Clock } from '../clock.ts';
import { withOwnConnection } from './connection.ts';

const RECONNECT_DELAY_MS_MIN = 50;
const RECONNECT_DELAY_MS_MAX = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** How often the connection is asked whether it is still there: a machine that vanished sends no end. */
const CHECK_INTERVAL_MS = 15_000;
const CHECK_TIMEOUT_MS = 5_000;

/**
 * Called with the payload of a notification, or with null when some may have been missed (after each connect, the first one
 * too): then look for yourself. It must not throw.
 */
export type NotificationHandler = (payload: string | null) => void;

/** LISTEN on one connection for the whole process, which comes back by itself. Notify with `select pg_notify($1, $2)`. */
export interface PostgresListener {
  /** Starts to listen at once; the handler's first null says that it does. Returns what ends it. */
  listen(channel: string, handler: NotificationHandler): () => void;
  close(): Promise<void>;
}

export interface PostgresListenerOptions {
  readonly url: string;
  readonly clock?: Clock;
  /** In [0, 1): spreads the reconnects of many processes. */
  readonly random?: () => number;
  readonly onLog?: (line: string) => void;
}

/** Connects at the first `listen`. */
export function createPostgresListener(options: PostgresListenerOptions): PostgresListener {
  return new ReconnectingListener(options);
}

class ReconnectingListener implements PostgresListener {
  readonly #options: PostgresListenerOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #closing = new AbortController();
  readonly #handlers = new Map<string, Set<NotificationHandler>>();
  #client: pg.Client | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #running: Promise<void> | undefined;

  constructor(options: PostgresListenerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  listen(channel: string, handler: NotificationHandler): () => void {
    const handlers = this.#handlers.get(channel) ?? new Set();
    this.#handlers.set(channel, handlers.add(handler));
    if (this.#client !== null) {
      // A failure means that the connection is lost; it listens to every channel when it comes back.
      this.#send(this.#client, `listen ${pg.escapeIdentifier(channel)}`).then(
        () => handlers.has(handler) && handler(null),
        () => undefined,
      );
    }
    this.#running ??= this.#run();
    return () => {
      handlers.delete(handler);
      if (handlers.size > 0 || this.#handlers.get(channel) !== handlers) return;
      this.#handlers.delete(channel);
      if (this.#client === null) return;
      this.#send(this.#client, `unlisten ${pg.escapeIdentifier(channel)}`).catch(() => undefined);
    };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const signal = this.#closing.signal;
    let delayMs = RECONNECT_DELAY_MS_MIN;
    while (!signal.aborted) {
      try {
        await this.#connectAndFollow(() => (delayMs = RECONNECT_DELAY_MS_MIN));
      } catch (error) {
        if (signal.aborted) return;
        this.#options.onLog?.(`Notifications of the database are cut off: ${String(error)}`);
      }
      // Between half of the delay and all of it.
      await this.#clock.sleep(delayMs * (0.5 + this.#random() / 2), signal).catch(() => undefined);
      delayMs = Math.min(delayMs * 2, RECONNECT_DELAY_MS_MAX);
    }
  }

  /** Ends, by throwing, with the connection. */
  async #connectAndFollow(onConnected: () => void): Promise<void> {
    const ended = new AbortController();
    const connection = {
      connectionString: this.#options.url,
      application_name: 'longshore listen',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: CHECK_TIMEOUT_MS,
      signal: this.#closing.signal,
    };
    try {
      await withOwnConnection(connection, async (client) => {
        client.on('notification', ({ channel, payload }) => this.#tell(channel, payload ?? ''));
        this.#client = client;
        for (const channel of this.#handlers.keys()) {
          await this.#send(client, `listen ${pg.escapeIdentifier(channel)}`);
        }
        onConnected();
        for (const channel of this.#handlers.keys()) this.#tell(channel, null);
        await this.#check(client, AbortSignal.any([this.#closing.signal, ended.signal]));
      });
    } finally {
      ended.abort();
      this.#client = null;
    }
  }

  async #check(client: pg.Client, signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.#clock.sleep(CHECK_INTERVAL_MS, signal);
      await this.#send(client, 'select');
    }
  }

  /** One statement at a time: `pg` wants no second one while the first runs. */
  #send(client: pg.Client, text: string): Promise<unknown> {
    const sent = this.#last.then(() => client.query(text));
    this.#last = sent.catch(() => undefined);
    return sent;
  }

  #tell(channel: string, payload: string | null): void {
    for (const handler of this.#handlers.get(channel) ?? []) handler(payload);
  }
}
