import type { Postgres } from '../postgres/postgres.ts';
import type { OperationRecord, OperationStore } from './operation-store.ts';

/** NOTIFY: an operation changed. The payload is `{tenantId, operationId, done}` as JSON. */
export const OPERATIONS_CHANNEL = 'longshore_operations';

interface OperationRow {
  tenant_id: string;
  operation_id: string;
  kind: string;
  input: Record<string, unknown>;
  progress: Record<string, unknown>;
  result: Record<string, unknown> | null;
  error: OperationRecord['error'];
  done: boolean;
  cancel_requested: boolean;
  create_time: Date;
  update_time: Date;
}

const COLUMNS = `tenant_id, operation_id, kind, input, progress, result, error, done, cancel_requested, create_time,
  update_time`;
const ANNOUNCE = `pg_notify('${OPERATIONS_CHANNEL}',
  json_build_object('tenantId', tenant_id, 'operationId', operation_id, 'done', done)::text)`;

/** Operations in the table `operations`. */
export class PostgresOperationStore implements OperationStore {
  readonly #postgres: Postgres;

  constructor(postgres: Postgres) {
    this.#postgres = postgres;
  }

  async create(operation: {
    tenantId: string;
    operationId: string;
    kind: string;
    input: Record<string, unknown>;
  }): Promise<OperationRecord> {
    const { tenantId, operationId, kind, input } = operation;
    const { rows } = await this.#postgres.query<OperationRow>(
      `insert into operations (tenant_id, operation_id, kind, input)
       values ($1, $2, $3, $4)
       returning ${COLUMNS}`,
      [tenantId, operationId, kind, JSON.stringify(input)],
    );
    return operationOf(rows[0] as OperationRow);
  }

  async get(tenantId: string, operationId: string): Promise<OperationRecord | null> {
    const { rows } = await this.#postgres.query<OperationRow>(
      `select ${COLUMNS} from operations where tenant_id = $1 and operation_id = $2`,
      [tenantId, operationId],
    );
    return rows[0] === undefined ? null : operationOf(rows[0]);
  }

  async list(
    tenantId: string,
    pageSize: number,
    after: { createTime: Date; operationId: string } | null,
  ): Promise<{ operations: OperationRecord[]; next: { createTime: Date; operationId: string } | null }> {
    const { rows } = await this.#postgres.query<OperationRow>(
      `select ${COLUMNS} from operations
       where tenant_id = $1
         ${after === null ? '' : 'and (create_time, operation_id) < ($3::timestamptz, $4::text)'}
       order by create_time desc, operation_id desc
       limit $2`,
      [tenantId, pageSize + 1, ...(after === null ? [] : [after.createTime, after.operationId])],
    );
    const operations = rows.slice(0, pageSize).map(operationOf);
    const last = operations.at(-1);
    const more = rows.length > pageSize && last !== undefined;
    return { operations, next: more ? { createTime: last.createTime, operationId: last.operationId } : null };
  }

  async progress(
    tenantId: string,
    operationId: string,
    progress: Record<string, unknown>,
  ): Promise<{ cancelRequested: boolean }> {
    const { rows } = await this.#postgres.query<{ cancel_requested: boolean }>(
      `with changed as (
         update operations
         set progress = $3, update_time = now()
         where tenant_id = $1 and operation_id = $2 and not done
         returning *
       )
       select cancel_requested, ${ANNOUNCE} from changed`,
      [tenantId, operationId, JSON.stringify(progress)],
    );
    // Deleted or ended by somebody else: nobody waits for it any more.
    return { cancelRequested: rows[0]?.cancel_requested ?? true };
  }

  succeed(tenantId: string, operationId: string, result: Record<string, unknown>): Promise<void> {
    return this.#end(tenantId, operationId, result, null);
  }

  fail(tenantId: string, operationId: string, error: OperationRecord['error']): Promise<void> {
    return this.#end(tenantId, operationId, null, error);
  }

  /** The first end counts. */
  async #end(
    tenantId: string,
    operationId: string,
    result: OperationRecord['result'],
    error: OperationRecord['error'],
  ): Promise<void> {
    await this.#postgres.query(
      `with changed as (
         update operations
         set done = true, result = $3, error = $4, update_time = now()
         where tenant_id = $1 and operation_id = $2 and not done
         returning *
       )
       select ${ANNOUNCE} from changed`,
      [tenantId, operationId, jsonOrNull(result), jsonOrNull(error)],
    );
  }

  async requestCancel(tenantId: string, operationId: string): Promise<OperationRecord | null> {
    const { rows } = await this.#postgres.query<OperationRow>(
      `with changed as (
         update operations
         set cancel_requested = true, update_time = now()
         where tenant_id = $1 and operation_id = $2 and not done and not cancel_requested
         returning *
       )
       select ${COLUMNS}, ${ANNOUNCE} from changed`,
      [tenantId, operationId],
    );
    return rows[0] === undefined ? this.get(tenantId, operationId) : operationOf(rows[0]);
  }

  async delete(tenantId: string, operationId: string): Promise<boolean> {
    const { count } = await this.#postgres.query(
      'delete from operations where tenant_id = $1 and operation_id = $2',
      [tenantId, operationId],
    );
    return count > 0;
  }

  async forget(before: Date, limit: number): Promise<number> {
    const { count } = await this.#postgres.transaction((sql) =>
      sql.query(
        `delete from operations
         using (
           select tenant_id, operation_id from operations
           where update_time < $1 and done
           order by update_time
           limit $2
           for update skip locked
         ) as ended
         where operations.tenant_id = ended.tenant_id and operations.operation_id = ended.operation_id`,
        [before, limit],
      ),
    );
    return count;
  }
}

function jsonOrNull(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

function operationOf(row: OperationRow): OperationRecord {
  return {
    tenantId: row.tenant_id,
    operationId: row.operation_id,
    kind: row.kind,
    input: row.input,
    progress: row.progress,
    result: row.result,
    error: row.error,
    done: row.done,
    cancelRequested: row.cancel_requested,
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}
