import { LongshoreError } from '../errors.ts';
import type { Caller, Role } from './caller.ts';

export type Action = 'read' | 'write' | 'admin';

const ALLOWED: Readonly<Record<Role, readonly Action[]>> = {
  reader: ['read'],
  writer: ['read', 'write'],
  admin: ['read', 'write', 'admin'],
};

/**
 * Lets `caller` do `action` to what belongs to `tenantId`. Throws FILE_NOT_FOUND for another tenant's things, whether they
 * exist or not, and ACCESS_DENIED where its role does not allow the action. A digest is no permission: whoever knows one
 * is still judged by the tenant that he asks in.
 */
export function authorize(caller: Caller, action: Action, tenantId: string): void {
  if (caller.tenantId !== null && caller.tenantId !== tenantId) {
    throw new LongshoreError('FILE_NOT_FOUND', 'There is nothing of that name.');
  }
  requireRole(caller, action);
}

/** The same for what belongs to no tenant but to the server. Throws ACCESS_DENIED for callers of one tenant. */
export function authorizeServer(caller: Caller, action: Action): void {
  if (caller.tenantId !== null) {
    throw new LongshoreError('ACCESS_DENIED', 'A key of one tenant may not do this to the server.');
  }
  requireRole(caller, action);
}

function requireRole(caller: Caller, action: Action): void {
  if (ALLOWED[caller.role].includes(action)) return;
  throw new LongshoreError('ACCESS_DENIED', `A ${caller.role} may not do this.`);
}
