import { LongshoreError } from '../errors.ts';
import { fieldInvalid } from './field-invalid.ts';
import { agreement, mediaTypeOfContent } from './media-type-content.ts';
import {
  essenceOf,
  matchesMediaType,
  mediaTypeByName,
  mostSpecific,
  UNKNOWN_MEDIA_TYPE,
} from './media-type-name.ts';

/** What content may come in. Patterns are media types in which `*` stands for any characters: `image/*`. */
export interface MediaTypeRules {
  /** Empty: every type that is not blocked. */
  readonly allowed: readonly string[];
  readonly blocked: readonly string[];
  /** The most specific pattern that a type matches gives its limit. */
  readonly limits: readonly { readonly pattern: string; readonly bytesMax: number }[];
  /** The limit of what matches no pattern, and of every file. */
  readonly fileBytesMax: number;
  readonly emptyAllowed: boolean;
}

/** What the caller said of the content. `mediaType` is '' where nothing was declared. */
export interface DeclaredContent {
  readonly mediaType: string;
  readonly displayName: string;
}

/** Which content is taken, by what it was declared to be and by what it is. */
export class MediaTypes {
  readonly #rules: MediaTypeRules;
  readonly #limitPatterns: readonly string[];

  constructor(rules: MediaTypeRules) {
    this.#rules = rules;
    this.#limitPatterns = rules.limits.map(({ pattern }) => pattern);
  }

  /** The most bytes that a file of this type may hold. */
  bytesMax(mediaType: string): number {
    const { limits, fileBytesMax } = this.#rules;
    const pattern = mostSpecific(this.#limitPatterns, mediaType);
    const limit = limits.find((candidate) => candidate.pattern === pattern);
    return Math.min(limit?.bytesMax ?? fileBytesMax, fileBytesMax);
  }

  /**
   * What can be refused before the first byte; `sizeBytes` is null when the caller did not tell. Throws TYPE_BLOCKED,
   * FILE_TOO_LARGE (metadata `limit`) and, for an empty file, FIELD_INVALID.
   */
  checkDeclared({ mediaType, displayName }: DeclaredContent, sizeBytes: number | null): void {
    if (sizeBytes !== null) this.#checkEmpty(sizeBytes);
    this.#checkName(displayName);
    // Where nothing is declared only the content can tell whether its type is allowed.
    if (mediaType !== '') this.#checkAllowed(mediaType);
    this.#checkType(mediaType === '' ? UNKNOWN_MEDIA_TYPE : mediaType, sizeBytes ?? 0);
  }

  /**
   * Checks content by its first bytes (`HEAD_BYTES` of them, or all there are) and gives the media type to record: what
   * was declared, else what the content says, else what the name says. Throws TYPE_MISMATCH (metadata `declared`,
   * `actual`), TYPE_BLOCKED, FILE_TOO_LARGE (metadata `limit`) and, for an empty file, FIELD_INVALID.
   */
  async check(declared: DeclaredContent, sizeBytes: number, head: Uint8Array): Promise<string> {
    this.#checkEmpty(sizeBytes);
    this.#checkName(declared.displayName);
    const found = await mediaTypeOfContent(head);
    const recorded = declared.mediaType === '' ? undeclared(declared, found, head) : declared.mediaType;
    const agreed = agreement(recorded, found, head);
    if (agreed === 'differs') throw mismatch(recorded, found);
    this.#checkAllowed(recorded);
    this.#checkType(recorded, sizeBytes);
    if (found !== null && agreed !== 'contained') this.#checkType(found, sizeBytes);
    return recorded;
  }

  #checkEmpty(sizeBytes: number): void {
    if (sizeBytes > 0 || this.#rules.emptyAllowed) return;
    throw fieldInvalid('total_size', 'must not be 0: empty files are not taken here');
  }

  /** A name that ends like a blocked type would be opened as one. */
  #checkName(displayName: string): void {
    const byName = mediaTypeByName(displayName);
    if (byName !== null) this.#checkBlocked(byName);
  }

  #checkAllowed(mediaType: string): void {
    const { allowed } = this.#rules;
    if (allowed.length === 0 || allowed.some((pattern) => matchesMediaType(pattern, mediaType))) return;
    throw blocked(mediaType);
  }

  #checkBlocked(mediaType: string): void {
    if (this.#rules.blocked.some((pattern) => matchesMediaType(pattern, mediaType))) throw blocked(mediaType);
  }

  #checkType(mediaType: string, sizeBytes: number): void {
    this.#checkBlocked(mediaType);
    const bytesMax = this.bytesMax(mediaType);
    if (sizeBytes > bytesMax) throw fileTooLarge(mediaType, bytesMax);
  }
}

/** FILE_TOO_LARGE for content of this type. */
export function fileTooLarge(mediaType: string, bytesMax: number): LongshoreError {
  const type = essenceOf(mediaType);
  return new LongshoreError(
    'FILE_TOO_LARGE',
    `A file of type ${type} may hold ${bytesMax} bytes at the most.`,
    {
      metadata: { limit: String(bytesMax), media_type: type },
    },
  );
}

/** A name that the content does not contradict knows more than the content: of a zip, that it is a spreadsheet. */
function undeclared({ displayName }: DeclaredContent, found: string | null, head: Uint8Array): string {
  const byName = mediaTypeByName(displayName);
  if (byName !== null && agreement(byName, found, head) !== 'differs') return byName;
  return found ?? UNKNOWN_MEDIA_TYPE;
}

function mismatch(declared: string, found: string | null): LongshoreError {
  const actual = found === null ? 'like no file of that type' : `like ${found}`;
  return new LongshoreError(
    'TYPE_MISMATCH',
    `The content was declared as ${declared}, but it begins ${actual}.`,
    {
      metadata: { declared, actual: found ?? '' },
    },
  );
}

function blocked(mediaType: string): LongshoreError {
  const type = essenceOf(mediaType);
  return new LongshoreError('TYPE_BLOCKED', `Files of type ${type} are not taken here.`, {
    metadata: { media_type: type },
  });
}
