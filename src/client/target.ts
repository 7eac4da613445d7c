/** What a read is asked for: a file by its name, or content by its digest within a tenant. */
export type Target =
  { readonly kind: 'file'; readonly name: string } | { readonly kind: 'digest'; readonly sha256: string };

/**
 * `tenants/{tenant}/files/{file}`, a bare file id of this tenant, or `sha256:` with 64 hex digits.
 * Throws a TypeError with a sentence where it is none of them.
 */
export function parseTarget(text: string, tenant: string): Target {
  if (text.startsWith('sha256:')) {
    const sha256 = text.slice('sha256:'.length).toLowerCase();
    if (!/^[0-9a-f]{64}$/.test(sha256)) {
      throw new TypeError(`"${text}" is not a digest: sha256: is followed by 64 hexadecimal digits.`);
    }
    return { kind: 'digest', sha256 };
  }
  return { kind: 'file', name: fileName(text, tenant) };
}

/** The full name of a file given by full name or bare id. */
export function fileName(text: string, tenant: string): string {
  if (/^tenants\/[^/]+\/files\/[^/]+$/.test(text)) return text;
  if (text !== '' && !text.includes('/')) return `tenants/${tenant}/files/${text}`;
  throw new TypeError(
    `"${text}" is not the name of a file: tenants/{tenant}/files/{file}, or just the last part.`,
  );
}
