import { describe, expect, it } from 'vitest';
import { authorize, authorizeServer, type Action } from '../../src/access/authorize.ts';
import type { Caller, Role } from '../../src/access/caller.ts';

const caller = (role: Role, tenantId: string | null = 'acme'): Caller => ({ tenantId, role, keyId: 'k' });
const reason = (code: string) => expect.objectContaining({ reason: code });

describe('a caller', () => {
  it.each<[Role, Action, boolean]>([
    ['reader', 'read', true],
    ['reader', 'write', false],
    ['reader', 'admin', false],
    ['writer', 'read', true],
    ['writer', 'write', true],
    ['writer', 'admin', false],
    ['admin', 'read', true],
    ['admin', 'write', true],
    ['admin', 'admin', true],
  ])('that is a %s may %s: %s', (role, action, allowed) => {
    for (const tenantId of ['acme', null]) {
      const act = () => authorize(caller(role, tenantId), action, 'acme');
      if (allowed) expect(act).not.toThrow();
      else expect(act).toThrow(reason('ACCESS_DENIED'));
    }
  });

  it('finds nothing of another tenant, whatever its role and whatever it wants', () => {
    for (const role of ['reader', 'writer', 'admin'] as const) {
      for (const action of ['read', 'write', 'admin'] as const) {
        expect(() => authorize(caller(role), action, 'other')).toThrow(reason('FILE_NOT_FOUND'));
      }
    }
  });

  it('of one tenant does nothing to the server', () => {
    expect(() => authorizeServer(caller('admin'), 'admin')).toThrow(reason('ACCESS_DENIED'));
    expect(() => authorizeServer(caller('reader', null), 'admin')).toThrow(reason('ACCESS_DENIED'));
    expect(() => authorizeServer(caller('admin', null), 'admin')).not.toThrow();
  });
});
