import { status as codes } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { ERROR_REASONS, LongshoreError } from '../../src/errors.ts';
import { decode } from '../../src/grpc/protos.ts';
import { codeOf, grpcStatus, hasDetails } from '../../src/grpc/status.ts';

interface Details {
  details: { type_url: string; value: Buffer }[];
}

function detailsOf(error: LongshoreError): Record<string, object> {
  const [bytes] = grpcStatus(error).metadata.get('grpc-status-details-bin');
  const { details } = decode('google.rpc.Status', bytes as Buffer) as Details;
  return Object.fromEntries(
    details.map(({ type_url, value }) => {
      const name = type_url.replace('type.googleapis.com/', '');
      return [name, decode(name, value)];
    }),
  );
}

test('no reason is UNKNOWN, and only our own bugs are INTERNAL', () => {
  const internal = ERROR_REASONS.filter((reason) => codeOf(reason) === codes.INTERNAL);
  expect(internal).toEqual(['INTERNAL']);
  for (const reason of ERROR_REASONS) expect(codeOf(reason)).not.toBe(codes.UNKNOWN);
});

test('every error carries its reason and facts as ErrorInfo of the domain longshore', () => {
  const error = new LongshoreError('OFFSET_MISMATCH', 'go on from 5', { metadata: { persisted_size: '5' } });
  expect(detailsOf(error)).toEqual({
    'google.rpc.ErrorInfo': {
      reason: 'OFFSET_MISMATCH',
      domain: 'longshore',
      metadata: { persisted_size: '5' },
    },
  });
});

test('wrong fields, quotas and retry delays come as the messages that clients know', () => {
  const error = new LongshoreError('QUOTA_EXCEEDED', 'no', {
    violations: [{ field: 'file.labels', description: 'too many' }],
    quota: [{ subject: 'tenants/a', description: 'at most 5' }],
    retryAfterMs: 1500,
  });
  expect(detailsOf(error)).toMatchObject({
    'google.rpc.BadRequest': { fieldViolations: [{ field: 'file.labels', description: 'too many' }] },
    'google.rpc.QuotaFailure': { violations: [{ subject: 'tenants/a', description: 'at most 5' }] },
    'google.rpc.RetryInfo': { retryDelay: { seconds: 1, nanos: 500_000_000 } },
  });
});

test('what went wrong underneath is not sent', () => {
  const error = new LongshoreError('INTERNAL', 'An internal error.', {
    cause: new Error('password=hunter2'),
  });
  expect(JSON.stringify(grpcStatus(error))).not.toContain('hunter2');
  expect(hasDetails(grpcStatus(error))).toBe(true);
});
