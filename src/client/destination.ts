/** Where a read's bytes go. */
export interface Destination {
  /** Resolves when it may be given more. */
  write(content: Buffer): Promise<void>;
  /** Forgets everything written, for the content was not what it should be; false where that cannot be done. */
  restart(): Promise<boolean>;
  /** Everything is there and verified. */
  commit(): Promise<void>;
  /** It did not come to a commit. `resumable`: what is there is good and may be taken up again. */
  abandon(resumable: boolean): Promise<void>;
}
