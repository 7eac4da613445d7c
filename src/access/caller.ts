/** What a caller may do: `reader` reads, `writer` also changes files, `admin` also manages keys and the server. */
export const ROLES = ['reader', 'writer', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who is calling. */
export interface Caller {
  /** The one tenant it belongs to; null: every tenant. */
  readonly tenantId: string | null;
  readonly role: Role;
  /** The key it showed; null where none is asked for (loopback without keys). */
  readonly keyId: string | null;
}
