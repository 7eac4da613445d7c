import { fieldInvalid } from './field-invalid.ts';

/** The name of something that belongs to a tenant: `tenants/{tenantId}/{collection}/{id}`. */
export interface ResourceName {
  readonly tenantId: string;
  readonly id: string;
}

/** Collections of a tenant; a name's third part. */
export type Collection = 'files' | 'uploads' | 'operations';

// Neither may begin with a sign: "-" alone is the wildcard of AIP-159, and "-x" reads as an option on a command line.
const TENANT_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
const ID = /^[a-z0-9][a-z0-9_-]{0,39}$/;

const TENANT_ID_RULE = 'is 1 to 63 characters of a-z, 0-9 and "-", and does not begin with "-"';
const ID_RULE = 'is 1 to 40 characters of a-z, 0-9, "_" and "-", and begins with a letter or digit';

/** What is shown of a value that was refused: enough to recognise it, never enough to fill a log. */
const SHOWN_CHARS_MAX = 80;

export function formatTenantName(tenantId: string): string {
  return `tenants/${tenantId}`;
}

export function formatName(collection: Collection, tenantId: string, id: string): string {
  return `tenants/${tenantId}/${collection}/${id}`;
}

/** The tenant of `tenants/{tenantId}`. Throws FIELD_INVALID that names `field`. */
export function parseTenantName(name: string, field = 'parent'): string {
  const [word, tenantId, ...rest] = split(name);
  if (word !== 'tenants' || tenantId === undefined || rest.length > 0) {
    throw fieldInvalid(field, `must look like tenants/{tenant}, not ${shown(name)}`);
  }
  return checkTenantId(tenantId, field);
}

/** The parts of `tenants/{tenantId}/{collection}/{id}`. Throws FIELD_INVALID that names `field`. */
export function parseName(collection: Collection, name: string, field = 'name'): ResourceName {
  const [word, tenantId, kind, id, ...rest] = split(name);
  if (
    word !== 'tenants' ||
    tenantId === undefined ||
    kind !== collection ||
    id === undefined ||
    rest.length > 0
  ) {
    const singular = collection.slice(0, -1);
    throw fieldInvalid(
      field,
      `must look like tenants/{tenant}/${collection}/{${singular}}, not ${shown(name)}`,
    );
  }
  return { tenantId: checkTenantId(tenantId, field), id: checkId(id, field) };
}

/** `tenantId` itself. Throws FIELD_INVALID that names `field`. */
export function checkTenantId(tenantId: string, field: string): string {
  if (!TENANT_ID.test(tenantId)) {
    throw fieldInvalid(field, `holds the tenant id ${shown(tenantId)}, but a tenant id ${TENANT_ID_RULE}`);
  }
  return tenantId;
}

/** `id` itself: of a file, an upload or an operation. Throws FIELD_INVALID that names `field`. */
export function checkId(id: string, field: string): string {
  if (!ID.test(id)) throw fieldInvalid(field, `holds the id ${shown(id)}, but an id ${ID_RULE}`);
  return id;
}

// No valid name has more than four parts; five are enough to see that there are too many.
function split(name: string): string[] {
  return name.split('/', 5);
}

function shown(value: string): string {
  const start = value.length > SHOWN_CHARS_MAX ? `${value.slice(0, SHOWN_CHARS_MAX)}...` : value;
  // Control characters and right-to-left marks are shown escaped, so that the message cannot be made to lie.
  return JSON.stringify(start.replace(/[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, '\u{fffd}'));
}
