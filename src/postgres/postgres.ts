import { Socket } from 'node:net';
import pg from 'pg';
import { systemClock, type Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';
import { databaseUnavailable, isConnectionFailure, isRetryable, translatePostgresError } from './error.ts';

const TRANSACTION_ATTEMPTS_MAX = 4;
const TRANSACTION_RETRY_DELAY_MS = 10;
/** How much longer than the server we wait before we take it for dead. */
const SILENCE_MS = 5_000;

/**
 * Has the server look whether we are still there while a statement runs, so that one that was given up ends, and its locks with
 * it. Servers on systems that cannot do it refuse the setting, and go without.
 */
export const NOTICE_OUR_END = `do $$ begin
  set client_connection_check_interval = '1s';
exception when others then null; end $$`;

export interface QueryOptions {
  /** Gives up at once: the connection is dropped, and whether a statement that writes took effect is not known. */
  readonly signal?: AbortSignal | undefined;
  /** Makes it a prepared statement of that name on each connection; one name, one text. */
  readonly name?: string;
}

export interface QueryAnswer<Row> {
  readonly rows: Row[];
  /** How many rows were returned, inserted, updated or deleted. */
  readonly count: number;
}

/**
 * Where statements are run: the pool, or one transaction. `bigint` columns come as numbers (and fail beyond 2^53), `bytea` as
 * Buffer, `timestamptz` as Date (milliseconds), `jsonb` parsed.
 *
 * Throws LongshoreError DATABASE_UNAVAILABLE when the database is away, overloaded or too slow, CANCELLED (or whatever the
 * signal was aborted with) when the signal says so, and `pg`'s own error when the statement was refused
 * (see `isUniqueViolation` in error.ts).
 */
export interface Sql {
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<QueryAnswer<Row>>;
}

export interface TransactionOptions {
  readonly signal?: AbortSignal | undefined;
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  readonly readOnly?: boolean;
}

export interface Postgres extends Sql {
  /** For libraries that bring their own statements; everything else goes through `query` and `transaction`. */
  readonly pool: pg.Pool;
  /**
   * Commits what `work` did, or rolls it back when it throws. `work` uses `sql` and nothing else for statements, and runs
   * again (four times at most) after a deadlock or a serialization failure, so it must keep no state of its own.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Waits for the statements under way, but only so long: then they are cut off. A second call waits for the first. */
  close(): Promise<void>;
}

export interface PostgresOptions {
  readonly url: string;
  readonly connectionsMax?: number;
  /** How many callers may wait for a connection; further ones are refused at once. */
  readonly waitersMax?: number;
  /** How long to wait for a connection, a free or a new one. */
  readonly connectTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly closeTimeoutMs?: number;
  readonly clock?: Clock;
  readonly onLog?: (line: string) => void;
}

/** Connects when first used. */
export function createPostgres(options: PostgresOptions): Postgres {
  return new PooledPostgres(options);
}

class PooledPostgres implements Postgres {
  readonly pool: pg.Pool;
  readonly #waitersMax: number;
  readonly #closeTimeoutMs: number;
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  #closed: Promise<void> | undefined;

  constructor(options: PostgresOptions) {
    const statementTimeoutMs = options.statementTimeoutMs ?? 30_000;
    const onLog = options.onLog ?? (() => undefined);
    this.#waitersMax = options.waitersMax ?? 1_000;
    this.#closeTimeoutMs = options.closeTimeoutMs ?? 10_000;
    this.#clock = options.clock ?? systemClock;
    this.pool = new pg.Pool({
      connectionString: options.url,
      application_name: 'longshore',
      max: options.connectionsMax ?? 10,
      connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
      idleTimeoutMillis: 30_000,
      query_timeout: statementTimeoutMs + SILENCE_MS,
      keepAlive: true,
      stream: () => this.#openSocket(),
      types: columnTypes,
      // Not in the start-up packet: poolers refuse parameters there.
      // oxlint-disable-next-line typescript/no-misused-promises -- pg waits for it, which its types do not say
      onConnect: async (client) => {
        const timeouts = ['statement_timeout', 'idle_in_transaction_session_timeout'];
        const statements = timeouts.map((name) => `set ${name} = ${statementTimeoutMs}`);
        await client.query([...statements, NOTICE_OUR_END].join(';'));
      },
    });
    this.pool.on('error', (error) => onLog(`A database connection was lost: ${error.message}`));
    // Of a connection on loan its borrower hears by the statement that fails; unheard, the event would end the process.
    this.pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async query<Row extends object>(
    text: string,
    values: readonly unknown[] = [],
    options: QueryOptions = {},
  ): Promise<QueryAnswer<Row>> {
    const connection = await this.#connect(options.signal);
    try {
      return await connection.query<Row>(text, values, options);
    } finally {
      connection.release();
    }
  }

  async transaction<T>(work: (sql: Sql) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#transactOnce(work, options);
      } catch (error) {
        if (!isRetryable(error)) throw error;
        if (attempt === TRANSACTION_ATTEMPTS_MAX) {
          throw databaseUnavailable('The database could not serialize the change; try again.', error);
        }
      }
      await this.#clock.sleep(attempt * TRANSACTION_RETRY_DELAY_MS, options.signal);
    }
  }

  async #transactOnce<T>(work: (sql: Sql) => Promise<T>, options: TransactionOptions): Promise<T> {
    const { signal, isolation = 'read committed', readOnly = false } = options;
    const connection = await this.#connect(signal);
    try {
      await connection.query(`begin isolation level ${isolation} ${readOnly ? 'read only' : ''}`, [], {
        signal,
      });
      const result = await work({
        query: (text, values, query) => connection.query(text, values, { signal, ...query }),
      });
      // Not with the signal: a commit that was asked for is waited for, so that its outcome is known.
      const { command } = await connection.query('commit');
      if (command === 'COMMIT') return result;
      throw new LongshoreError('INTERNAL', 'A transaction went on after a statement had failed.');
    } catch (error) {
      await connection.rollBack();
      throw error;
    } finally {
      connection.release();
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const timer = new AbortController();
    const late = this.#clock.sleep(this.#closeTimeoutMs, timer.signal);
    const ended = this.pool.end();
    await Promise.race([ended, late]);
    timer.abort();
    // A database that is silent does not say good-bye either.
    for (const socket of this.#sockets) socket.destroy();
    await ended;
  }

  #openSocket(): Socket {
    const socket = new Socket();
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }

  async #connect(signal: AbortSignal | undefined): Promise<Connection> {
    throwIfAborted(signal);
    if (this.pool.waitingCount >= this.#waitersMax) {
      throw databaseUnavailable(`More than ${this.#waitersMax} requests wait for the database.`);
    }
    const connecting = this.pool.connect();
    try {
      return new Connection(await orAborted(connecting, signal));
    } catch (error) {
      // Given up while waiting: the connection goes back when it comes.
      connecting.then(
        (client) => client.release(),
        () => undefined,
      );
      throw translatePostgresError(error);
    }
  }
}

/** One connection out of the pool. */
class Connection {
  readonly #client: pg.PoolClient;
  #released = false;

  constructor(client: pg.PoolClient) {
    this.#client = client;
    client.on('error', this.#onLost);
  }

  async query<Row extends object>(
    text: string,
    values: readonly unknown[] = [],
    { signal, name }: QueryOptions = {},
  ): Promise<QueryAnswer<Row> & { command: string }> {
    throwIfAborted(signal);
    const running = this.#client.query<Row & pg.QueryResultRow>({
      text,
      ...(values.length === 0 ? {} : { values: [...values] }),
      ...(name === undefined ? {} : { name }),
    });
    try {
      const { rows, rowCount, command } = await orAborted(running, signal);
      return { rows, count: rowCount ?? 0, command };
    } catch (error) {
      // Also when aborted: the statement still runs, and nobody waits for its answer.
      if (isConnectionFailure(error) || signal?.aborted === true) this.#drop();
      throw translatePostgresError(error);
    }
  }

  async rollBack(): Promise<void> {
    if (this.#released) return;
    try {
      await this.#client.query('rollback');
    } catch {
      // The server rolls back what the connection had open when it ends. What went wrong is already being thrown.
      this.#drop();
    }
  }

  release(): void {
    this.#giveBack(false);
  }

  #drop(): void {
    this.#giveBack(true);
  }

  #giveBack(broken: boolean): void {
    if (this.#released) return;
    this.#released = true;
    this.#client.off('error', this.#onLost);
    this.#client.release(broken);
  }

  /** Lost between two statements: the next one says so. Without a listener Node would end the process. */
  readonly #onLost = (): void => undefined;
}

/** Sizes and offsets stay far below 2^53; a number that does not is refused rather than rounded. */
function parseBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`The bigint ${text} does not fit a number`);
  return value;
}

const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 && format !== 'binary' ? parseBigint : pg.types.getTypeParser(oid, format),
};

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw LongshoreError.from(signal.reason);
}

/** The promise's outcome, or the signal's reason as soon as it is aborted; the promise itself goes on. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(LongshoreError.from(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
