import pg from 'pg';
import { LongshoreError } from '../errors.ts';

/** What a client should wait before it asks again; reconnecting takes milliseconds once the database is back. */
const RETRY_AFTER_MS = 1_000;

/** Of node:net, node:dns and node:tls. */
const CONNECTION_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOENT', // no socket file
  'EACCES',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** `pg` and `pg-pool` say these without a code. */
const CONNECTION_MESSAGES = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Query read timeout',
  'is not queryable',
  'Cannot use a pool after calling end on the pool',
];

/**
 * Classes and codes of SQLSTATE that speak of the server and not of the statement: connection (08), credentials (28), no
 * such database (3D), resources (53), shutdown and crash (57P), system (58), a standby that took no over (25006), a
 * statement that ran too long (57014). https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const SERVER_STATES = ['08', '28', '3D', '53', '57P', '58', '25006', '57014'];

/** Serialization failure and deadlock: the same transaction may pass the next time. */
const RETRY_STATES: ReadonlySet<string> = new Set(['40001', '40P01']);

export function databaseUnavailable(message: string, cause?: unknown): LongshoreError {
  return new LongshoreError('DATABASE_UNAVAILABLE', message, { cause, retryAfterMs: RETRY_AFTER_MS });
}

/**
 * A failure of the connection or the server as DATABASE_UNAVAILABLE with the failure as cause; anything else, such as a
 * violated constraint, is returned as it came, for the store whose statement it was to judge.
 */
export function translatePostgresError(error: unknown): unknown {
  return isConnectionFailure(error) ? databaseUnavailable('The database does not answer.', error) : error;
}

export function isConnectionFailure(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) {
    return SERVER_STATES.some((state) => error.code?.startsWith(state) === true);
  }
  // Node tries each address of a name and reports them together.
  if (error instanceof AggregateError) return error.errors.some(isConnectionFailure);
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && CONNECTION_CODES.has(error.code)) return true;
  return CONNECTION_MESSAGES.some((text) => error.message.includes(text));
}

export function isRetryable(error: unknown): boolean {
  return error instanceof pg.DatabaseError && RETRY_STATES.has(error.code ?? '');
}

/** A row with this key is there already. @param constraint the name of the key or index, when only that one is meant. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return isViolation(error, '23505', constraint);
}

/** The row that is pointed to is not there, or the row is still pointed to. */
export function isForeignKeyViolation(error: unknown, constraint?: string): boolean {
  return isViolation(error, '23503', constraint);
}

function isViolation(error: unknown, state: string, constraint: string | undefined): boolean {
  if (!(error instanceof pg.DatabaseError) || error.code !== state) return false;
  return constraint === undefined || error.constraint === constraint;
}
