import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LongshoreError } from '../../src/errors.ts';
import { formatName, formatTenantName, parseName, parseTenantName } from '../../src/files/names.ts';

const tenantId = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/);
const id = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,39}$/);
const collection = fc.constantFrom('files' as const, 'uploads' as const, 'operations' as const);

describe('a resource name', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(collection, tenantId, id, (kind, tenant, own) => {
        expect(parseName(kind, formatName(kind, tenant, own))).toEqual({ tenantId: tenant, id: own });
        expect(parseTenantName(formatTenantName(tenant))).toBe(tenant);
      }),
    );
  });

  it.each([
    '',
    'tenants',
    'tenants/acme',
    'tenants/acme/files',
    'tenants/acme/files/',
    'tenants/acme/uploads/a',
    'tenants/acme/files/a/b',
    'tenants//files/a',
    '/tenants/acme/files/a',
    'tenants/acme/files/a/',
    'tenants/Acme/files/a',
    'tenants/acme/files/A',
    'tenants/acme/files/..',
    'tenants/../files/a',
    'tenants/-/files/a',
    'tenants/acme/files/-a',
    'tenants/acme/files/a\n',
    'tenants/acme/files/a\0',
    'tenants/acme/files/ä',
    `tenants/acme/files/${'a'.repeat(41)}`,
    `tenants/${'a'.repeat(64)}/files/a`,
    `tenants/acme/files/${'a'.repeat(10_000)}`,
  ])('%j is refused, naming the field', (name) => {
    expect(() => parseName('files', name, 'file')).toThrow(
      expect.objectContaining({
        reason: 'FIELD_INVALID',
        violations: [expect.objectContaining({ field: 'file' })],
      }),
    );
  });

  it('is refused in a message that is short and shows no control characters', () => {
    const names = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ unit: 'binary', maxLength: 300 }).map((rest) => `tenants/${rest}`),
      fc.constant('tenants/a\u202E/files/b'),
    );
    fc.assert(
      fc.property(names, (name) => {
        try {
          parseName('files', name);
        } catch (error) {
          expect(error).toBeInstanceOf(LongshoreError);
          const { reason, message } = error as LongshoreError;
          expect(reason).toBe('FIELD_INVALID');
          expect(message.length).toBeLessThan(700);
          expect(message).not.toMatch(/[\p{Cc}\p{Cs}\p{Bidi_Control}]/u);
        }
      }),
    );
  });
});
