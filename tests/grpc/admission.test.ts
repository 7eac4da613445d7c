import { expect, test } from 'vitest';
import { Admission } from '../../src/grpc/admission.ts';

const caller = { tenantId: 'acme', role: 'writer', keyId: 'k' } as const;

test('calls are let in until the server drains, then told when to come back', async () => {
  const admission = new Admission(0, 10);
  await admission.admit(caller, 1);
  admission.drain();
  await expect(admission.admit(caller, 1)).rejects.toMatchObject({ reason: 'DRAINING', retryAfterMs: 1000 });
});

test('the tenant that calls too fast waits, and the others do not', async () => {
  const admission = new Admission(2, 10);
  await admission.admit(caller, 1);
  await admission.admit(caller, 1);
  const refused = await admission.admit(caller, 1).catch((error: unknown) => error);
  expect(refused).toMatchObject({ reason: 'RATE_LIMITED' });
  expect((refused as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(0);
  await admission.admit({ ...caller, tenantId: 'other' }, 1);
});

test('more calls than the process carries are refused', async () => {
  const admission = new Admission(0, 10);
  await admission.admit(caller, 10);
  await expect(admission.admit(caller, 11)).rejects.toMatchObject({ reason: 'RATE_LIMITED' });
});
