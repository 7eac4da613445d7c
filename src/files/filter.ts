import type { FileState } from './file.ts';

/** Text of a file that can be matched: a field, or the value of one label. */
export type TextTarget = 'display_name' | 'media_type' | 'region' | `labels.${string}`;

export type TimeField = 'create_time' | 'update_time' | 'access_time' | 'expire_time';

export type Ordering = '<' | '<=' | '>' | '>=';

/** Text that is equal to `text`, or, where an end is open, ends with, begins with or contains it. Case counts. */
export interface TextPattern {
  readonly text: string;
  readonly openStart: boolean;
  readonly openEnd: boolean;
}

/**
 * What a file must be to be listed. Every part is true or false of a file, never unknown: a comparison with a label or
 * time that a file does not have is false, so that `not` gives exactly the other files. `!=` is the `not` of `=`.
 */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Filter[] }
  | { readonly kind: 'not'; readonly term: Filter }
  | { readonly kind: 'match'; readonly target: TextTarget; readonly pattern: TextPattern }
  | { readonly kind: 'text'; readonly target: TextTarget; readonly ordering: Ordering; readonly text: string }
  | { readonly kind: 'size'; readonly ordering: Ordering | '='; readonly sizeBytes: number }
  | {
      readonly kind: 'time';
      readonly field: TimeField;
      readonly ordering: Ordering | '=';
      /** Milliseconds since 1970. */
      readonly timeMs: number;
    }
  | { readonly kind: 'state'; readonly state: FileState }
  /** Lower-case hex. */
  | { readonly kind: 'digest'; readonly sha256: string }
  /** The file has this label, or any label, or has this time. */
  | { readonly kind: 'present'; readonly target: `labels.${string}` | 'labels' | TimeField };
