import { displayNameViolations } from './display-name.ts';
import type { FileSpec } from './file.ts';
import { fieldInvalid, requireValid } from './field-invalid.ts';
import { labelViolations } from './labels.ts';
import { mediaTypeViolations } from './media-type-name.ts';
import { metadataViolations } from './metadata.ts';
import { checkId } from './names.ts';

/** Checks what a caller says about a file that is to be made. Throws FIELD_INVALID with everything that is wrong. */
export function checkFileSpec(spec: FileSpec, now: Date): FileSpec {
  checkId(spec.fileId, 'file_id');
  requireValid([
    ...displayNameViolations(spec.displayName),
    ...(spec.mediaType === '' ? [] : mediaTypeViolations(spec.mediaType)),
    ...labelViolations(spec.labels),
    ...metadataViolations(spec.metadata),
  ]);
  if (!/^[a-z0-9-]{0,63}$/.test(spec.region)) {
    throw fieldInvalid('file.region', 'is up to 63 characters of a-z, 0-9 and "-"');
  }
  if (spec.expireTime !== null && spec.expireTime <= now) {
    throw fieldInvalid('file.expire_time', 'must not have passed already');
  }
  return spec;
}
