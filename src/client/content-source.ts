/** Bytes that are to be sent, read by offset so that a cut transfer can go back. */
export interface ContentSource {
  /** How many bytes there are; undefined while nobody knows. */
  readonly sizeBytes: number | undefined;
  /** Whether any byte can be read again; otherwise only those that were not released. */
  readonly rereadable: boolean;
  /**
   * `lengthMax` bytes from `offset`, fewer only where the content ends, none at its end. The caller must not change them.
   * Rejects with SOURCE_CHANGED where the bytes cannot be had again as they were, and with the source's own error.
   */
  read(offset: number, lengthMax: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Bytes before `offset` will not be asked for again. */
  release(offset: number): void;
  /** Nobody looks at these bytes, which `read` gave, any more: their memory may hold the next ones. Calling it is optional. */
  giveBack(bytes: Uint8Array): void;
  close(): Promise<void>;
}
