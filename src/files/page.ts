import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { fieldInvalid } from './field-invalid.ts';
import type { FileRecord } from './file.ts';

const PAGE_SIZE_DEFAULT = 50;
const PAGE_SIZE_MAX = 1000;

/** Fields that a list of files can be ordered by; each has an index. */
export const ORDER_FIELDS = ['create_time', 'update_time', 'size_bytes', 'display_name'] as const;
export type OrderField = (typeof ORDER_FIELDS)[number];

interface OrderTerm {
  readonly field: OrderField;
  readonly descending: boolean;
}

/** At least one term. The id always decides last, in the direction of the last term, so that no two rows are equal. */
export type Order = readonly OrderTerm[];

/** Newest first. */
export const ORDER_DEFAULT: Order = [{ field: 'create_time', descending: true }];

/**
 * The last row of a page: the next one begins after it. `values` are its fields in the list's order, times in
 * milliseconds since 1970; `id` is its id, which settles ties.
 */
export interface PageCursor {
  readonly values: readonly (string | number)[];
  readonly id: string;
}

const ORDERED_BY = {
  create_time: (file: FileRecord) => file.createTime.getTime(),
  update_time: (file: FileRecord) => file.updateTime.getTime(),
  size_bytes: (file: FileRecord) => file.sizeBytes,
  display_name: (file: FileRecord) => file.displayName,
} as const satisfies Record<OrderField, (file: FileRecord) => string | number>;

/** The cursor that stands on `file`. */
export function cursorOf(order: Order, file: FileRecord): PageCursor {
  return { values: order.map(({ field }) => ORDERED_BY[field](file)), id: file.fileId };
}

/** The size to use for a page: 0 is the default, too large is cut down (AIP-158). Throws FIELD_INVALID when negative. */
export function pageSize(requested: number, field = 'page_size'): number {
  if (!Number.isInteger(requested) || requested < 0) throw fieldInvalid(field, 'must not be negative');
  return requested === 0 ? PAGE_SIZE_DEFAULT : Math.min(requested, PAGE_SIZE_MAX);
}

/** Reads `create_time desc, display_name` (AIP-132). Empty is newest first. Throws FIELD_INVALID. */
export function parseOrder(text: string, field = 'order_by'): Order {
  if (text.trim() === '') return ORDER_DEFAULT;
  // One more than there are fields: a longer list must name one twice.
  const parts = text.split(',', ORDER_FIELDS.length + 1);
  const order = parts.map((part) => {
    const [name, direction, ...rest] = part.trim().split(/\s+/, 3);
    const orderField = ORDER_FIELDS.find((known) => known === name);
    if (orderField === undefined) throw fieldInvalid(field, `can only name ${ORDER_FIELDS.join(', ')}`);
    if ((direction !== undefined && direction !== 'asc' && direction !== 'desc') || rest.length > 0) {
      throw fieldInvalid(field, `must have "asc", "desc" or nothing after ${orderField}`);
    }
    return { field: orderField, descending: direction === 'desc' };
  });
  if (new Set(order.map((term) => term.field)).size < order.length) {
    throw fieldInvalid(field, 'must not name a field twice');
  }
  return order;
}

/** Seals cursors into page tokens that a client can neither read into another list nor change. */
export interface PageTokens {
  /** `list` are the arguments that select the rows and their order (never the page size): the token holds for them alone. */
  seal(cursor: PageCursor, list: readonly string[]): string;
  /** The cursor of a token; null for the empty token. Throws FIELD_INVALID when it was altered or is another list's. */
  open(token: string, list: readonly string[], field?: string): PageCursor | null;
}

const VERSION = 1;
const MAC_BYTES = 32;
const LIST_BYTES = 16;
const HEAD_BYTES = 1 + MAC_BYTES + LIST_BYTES;
/** The longest cursor holds a display name of 1024 bytes and three numbers. */
const TOKEN_CHARS_MAX = 4096;

/**
 * Layout of a token, before base64url: version (1 byte), HMAC-SHA256 under `secret` of all that follows (32), SHA-256
 * of the list's arguments cut to 16 bytes, the cursor as JSON. It is signed, not secret: it holds what its reader saw.
 */
export function makePageTokens(secret: Buffer): PageTokens {
  const mac = (body: Buffer): Buffer => createHmac('sha256', secret).update(body).digest();
  return {
    seal(cursor, list) {
      const body = Buffer.concat([
        listDigest(list),
        Buffer.from(JSON.stringify([cursor.id, ...cursor.values])),
      ]);
      return Buffer.concat([Buffer.of(VERSION), mac(body), body]).toString('base64url');
    },
    open(token, list, field = 'page_token') {
      if (token === '') return null;
      const bytes = token.length > TOKEN_CHARS_MAX ? Buffer.alloc(0) : Buffer.from(token, 'base64url');
      const body = bytes.subarray(1 + MAC_BYTES);
      const genuine =
        bytes.length > HEAD_BYTES &&
        bytes[0] === VERSION &&
        // Node skips characters that base64url does not have: without this, many tokens would be one.
        bytes.toString('base64url') === token &&
        timingSafeEqual(bytes.subarray(1, 1 + MAC_BYTES), mac(body));
      if (!genuine) throw fieldInvalid(field, 'is not a token that this service gave out');
      if (!body.subarray(0, LIST_BYTES).equals(listDigest(list))) {
        throw fieldInvalid(
          field,
          'belongs to a list with other arguments; only page_size may change between pages',
        );
      }
      const [id, ...values] = JSON.parse(body.subarray(LIST_BYTES).toString()) as [
        string,
        ...(string | number)[],
      ];
      return { id, values };
    },
  };
}

function listDigest(list: readonly string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(list)).digest().subarray(0, LIST_BYTES);
}
