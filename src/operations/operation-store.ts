/** A long-running operation (google.longrunning) that outlives the process. */
export interface OperationRecord {
  tenantId: string;
  operationId: string;
  kind: string;
  input: Record<string, unknown>;
  progress: Record<string, unknown>;
  result: Record<string, unknown> | null;
  error: { reason: string; message: string; metadata: Record<string, string> } | null;
  done: boolean;
  cancelRequested: boolean;
  createTime: Date;
  updateTime: Date;
}

/** Operations in the database; each change is announced (NOTIFY). */
export interface OperationStore {
  create(operation: {
    tenantId: string;
    operationId: string;
    kind: string;
    input: Record<string, unknown>;
  }): Promise<OperationRecord>;
  get(tenantId: string, operationId: string): Promise<OperationRecord | null>;
  list(
    tenantId: string,
    pageSize: number,
    after: { createTime: Date; operationId: string } | null,
  ): Promise<{ operations: OperationRecord[]; next: { createTime: Date; operationId: string } | null }>;
  progress(
    tenantId: string,
    operationId: string,
    progress: Record<string, unknown>,
  ): Promise<{ cancelRequested: boolean }>;
  succeed(tenantId: string, operationId: string, result: Record<string, unknown>): Promise<void>;
  fail(tenantId: string, operationId: string, error: OperationRecord['error']): Promise<void>;
  requestCancel(tenantId: string, operationId: string): Promise<OperationRecord | null>;
  delete(tenantId: string, operationId: string): Promise<boolean>;
  /** Forgets operations that ended before `before`; at most `limit`; how many. */
  forget(before: Date, limit: number): Promise<number>;
}
