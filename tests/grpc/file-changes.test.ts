import { expect, test } from 'vitest';
import type { File__Output } from '../../src/gen/longshore/v1/File.ts';
import { changesOf } from '../../src/grpc/file-changes.ts';
import { decode, encode } from '../../src/grpc/protos.ts';

function file(fields: object): File__Output {
  return decode('longshore.v1.File', encode('longshore.v1.File', fields)) as File__Output;
}

test('a mask changes the fields that it names, and empties those that are not set', () => {
  const changes = changesOf(file({ displayName: 'a.txt', labels: { env: 'prod' } }), [
    'labels',
    'expire_time',
  ]);
  expect(changes).toEqual({ labels: { env: 'prod' }, expireTime: null });
});

test('without a mask the fields that are set are changed', () => {
  expect(changesOf(file({ displayName: 'a.txt' }), [])).toEqual({ displayName: 'a.txt' });
});

test('a star is every field', () => {
  const changes = changesOf(file({ displayName: 'a.txt', mediaType: 'text/plain' }), ['*']);
  expect(Object.keys(changes).sort()).toEqual([
    'displayName',
    'expireTime',
    'labels',
    'mediaType',
    'metadata',
    'retainUntilTime',
  ]);
});

test('a mask that names what cannot be changed is refused', () => {
  for (const path of ['digest', 'name', 'nonsense']) {
    expect(() => changesOf(file({}), [path])).toThrow(expect.objectContaining({ reason: 'FIELD_INVALID' }));
  }
});

test('values are held to the rules of new files', () => {
  expect(() => changesOf(file({ displayName: '../a' }), ['display_name'])).toThrow(
    expect.objectContaining({ reason: 'FIELD_INVALID' }),
  );
});

test('free metadata comes through as JSON', () => {
  const metadata = { a: [1, 'two', null, { deep: true }], n: 1.5 };
  const struct = {
    fields: {
      a: {
        listValue: {
          values: [
            { numberValue: 1 },
            { stringValue: 'two' },
            { nullValue: 'NULL_VALUE' },
            { structValue: { fields: { deep: { boolValue: true } } } },
          ],
        },
      },
      n: { numberValue: 1.5 },
    },
  };
  expect(changesOf(file({ metadata: struct }), ['metadata'])).toEqual({ metadata });
});
