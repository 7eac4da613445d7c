import { displayNameViolations } from '../files/display-name.ts';
import { fieldInvalid, requireValid } from '../files/field-invalid.ts';
import type { FileChanges } from '../files/file.ts';
import { labelViolations } from '../files/labels.ts';
import { mediaTypeViolations } from '../files/media-type-name.ts';
import { metadataViolations } from '../files/metadata.ts';
import type { File__Output } from '../gen/longshore/v1/File.ts';
import { fromTimestamp } from './messages.ts';
import { fromStruct } from './struct.ts';

/** Fields that may be updated, each with how its new value is read. */
const FIELDS: Record<string, (file: File__Output) => FileChanges> = {
  display_name: (file) => ({ displayName: file.displayName }),
  media_type: (file) => ({ mediaType: file.mediaType }),
  labels: (file) => ({ labels: file.labels }),
  metadata: (file) => ({ metadata: file.metadata ? fromStruct(file.metadata) : {} }),
  expire_time: (file) => ({ expireTime: fromTimestamp(file.expireTime, 'file.expire_time') }),
  retain_until_time: (file) => ({
    retainUntilTime: fromTimestamp(file.retainUntilTime, 'file.retain_until_time'),
  }),
};

/**
 * What an update changes (AIP-134): the fields of the mask; all of them for `*`; without a mask those that are set.
 * Throws FIELD_INVALID for a mask that names anything else, and for values that cannot be.
 */
export function changesOf(file: File__Output, mask: readonly string[]): FileChanges {
  const changes: FileChanges = {};
  for (const field of fieldsOf(file, mask)) Object.assign(changes, FIELDS[field]?.(file));
  requireValid([
    ...(changes.displayName === undefined ? [] : displayNameViolations(changes.displayName)),
    ...(changes.mediaType === undefined ? [] : mediaTypeViolations(changes.mediaType)),
    ...(changes.labels === undefined ? [] : labelViolations(changes.labels)),
    ...(changes.metadata === undefined ? [] : metadataViolations(changes.metadata)),
  ]);
  return changes;
}

function fieldsOf(file: File__Output, mask: readonly string[]): string[] {
  const all = Object.keys(FIELDS);
  if (mask.length === 0) return all.filter((field) => isSet(FIELDS[field]?.(file) ?? {}));
  if (mask.length === 1 && mask[0] === '*') return all;
  const unknown = mask.find((path) => !all.includes(path));
  if (unknown !== undefined) {
    throw fieldInvalid(
      'update_mask',
      `names ${JSON.stringify(unknown.slice(0, 80))}; it can name ${all.join(', ')}`,
    );
  }
  return [...mask];
}

function isSet(changes: FileChanges): boolean {
  return Object.values(changes).some((value) => {
    if (value === null || value === '') return false;
    return value instanceof Date || typeof value === 'string' || Object.keys(value).length > 0;
  });
}
