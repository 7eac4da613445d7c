import type { Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';
import type { Postgres } from '../postgres/postgres.ts';
import type { RequestStore } from './request-store.ts';

interface Request {
  readonly tenantId: string;
  readonly requestId: string;
  readonly method: string;
  readonly fingerprint: string;
}

/** Who runs a request and has not said so for this long has died; another one runs it then. */
const LEASE_MS = 15_000;
const RENEW_INTERVAL_MS = 5_000;
const POLL_INTERVAL_MS = 50;
/** How long a repeat waits for the first one. */
const WAIT_MS_MAX = 60_000;

/**
 * Requests in the table `requests`. A row is a claim first and an answer later, so that no connection is held while the
 * request runs. The answer is written after what was done: when the process dies between the two, a repeat does it again.
 */
export class PostgresRequestStore implements RequestStore {
  readonly #postgres: Postgres;
  readonly #clock: Clock;

  constructor(postgres: Postgres, clock: Clock) {
    this.#postgres = postgres;
    this.#clock = clock;
  }

  async once<T>(
    request: Request,
    act: () => Promise<T>,
    codec: { encode(value: T): unknown; decode(stored: unknown): T },
    signal?: AbortSignal,
  ): Promise<T> {
    if (request.requestId === '') return act();
    const untilMs = this.#clock.nowMs() + WAIT_MS_MAX;
    while (this.#clock.nowMs() < untilMs) {
      if (await this.#claim(request)) return this.#run(request, act, codec);
      const answer = await this.#answer(request);
      if (answer !== null) return codec.decode(answer.value);
      await this.#clock.sleep(POLL_INTERVAL_MS, signal);
    }
    throw new LongshoreError('DEADLINE_EXCEEDED', 'The same request is still running.');
  }

  async forget(before: Date, limit: number): Promise<number> {
    const { count } = await this.#postgres.transaction((sql) =>
      sql.query(
        `delete from requests
         using (
           select tenant_id, request_id from requests
           where create_time < $1
           order by create_time
           limit $2
           for update skip locked
         ) as old
         where requests.tenant_id = old.tenant_id and requests.request_id = old.request_id`,
        [before, limit],
      ),
    );
    return count;
  }

  /** Whether the request is now this caller's to run. */
  async #claim({ tenantId, requestId, method, fingerprint }: Request): Promise<boolean> {
    const { count } = await this.#postgres.query(
      `insert into requests (tenant_id, request_id, method, fingerprint, lease_time)
       values ($1, $2, $3, $4, now() + $5 * interval '1 millisecond')
       on conflict (tenant_id, request_id) do update set lease_time = excluded.lease_time
       where requests.response is null and requests.lease_time < now()
         and requests.method = excluded.method and requests.fingerprint = excluded.fingerprint`,
      [tenantId, requestId, method, fingerprint, LEASE_MS],
    );
    return count > 0;
  }

  /** Null while there is none. Throws FIELD_INVALID when the id was used for something else. */
  async #answer({ tenantId, requestId, method, fingerprint }: Request): Promise<{ value: unknown } | null> {
    const { rows } = await this.#postgres.query<{ same: boolean; response: { value: unknown } | null }>(
      `select method = $3 and fingerprint = $4 as same, response
       from requests
       where tenant_id = $1 and request_id = $2`,
      [tenantId, requestId, method, fingerprint],
    );
    if (rows[0]?.same === false) {
      const description = 'was used for another request';
      throw new LongshoreError('FIELD_INVALID', `request_id ${description}.`, {
        violations: [{ field: 'request_id', description }],
      });
    }
    return rows[0]?.response ?? null;
  }

  async #run<T>(request: Request, act: () => Promise<T>, codec: { encode(value: T): unknown }): Promise<T> {
    const ended = new AbortController();
    const renewing = this.#renew(request, ended.signal);
    try {
      const value = await act();
      await this.#remember(request, codec.encode(value));
      return value;
    } catch (error) {
      await this.#release(request);
      throw error;
    } finally {
      ended.abort();
      await renewing;
    }
  }

  /** Never rejects: what was done is told all the same; a repeat does it again when the lease has passed. */
  async #remember({ tenantId, requestId }: Request, value: unknown): Promise<void> {
    await this.#postgres
      .query(
        'update requests set response = $3 where tenant_id = $1 and request_id = $2 and response is null',
        [tenantId, requestId, JSON.stringify({ value })],
      )
      .catch(() => undefined);
  }

  /** A failure is no answer: a repeat tries again, at once or, should this fail too, when the lease has passed. */
  async #release({ tenantId, requestId }: Request): Promise<void> {
    await this.#postgres
      .query('delete from requests where tenant_id = $1 and request_id = $2 and response is null', [
        tenantId,
        requestId,
      ])
      .catch(() => undefined);
  }

  /** Never rejects: a lease that could not be renewed may be renewed the next time. */
  async #renew({ tenantId, requestId }: Request, signal: AbortSignal): Promise<void> {
    const renewal = async (): Promise<unknown> => {
      await this.#clock.sleep(RENEW_INTERVAL_MS, signal);
      return this.#postgres.query(
        `update requests set lease_time = now() + $3 * interval '1 millisecond'
         where tenant_id = $1 and request_id = $2 and response is null`,
        [tenantId, requestId, LEASE_MS],
      );
    };
    while (!signal.aborted) await renewal().catch(() => undefined);
  }
}
