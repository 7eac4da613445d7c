import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Content } from './content.ts';
import type { FrameBounds } from './blob-reader.ts';
import type { Manifest } from './manifest.ts';
import type { Persisted } from './part-file.ts';
import type { Verification } from './verify-blob.ts';

/**
 * The native side, in its own words: the same names in the same order as the table in `native/node/addon.cc`.
 * Arguments arrive checked (the doors beside this file do that); what is absent is `null`, never missing.
 */
export interface Binding {
  openPartFile(
    folder: string,
    session: string,
    exclusive: boolean,
    totalBytes: number | null,
  ): Promise<NativePartFile>;
  inspectPartFile(folder: string): Promise<Persisted>;
  openBlobReader(contentPath: string, manifestPath: string): Promise<NativeBlobReader>;
  frameBytes(contentBytes: number): number;
  verifyBlob(
    contentPath: string,
    manifestPath: string,
    whole: boolean,
    bytesPerSecondMax: number | null,
  ): AbortableJob<Verification>;
  readManifest(path: string): Promise<Manifest>;
  writeBlob(path: string, manifestPath: string, content: Uint8Array): Promise<Content>;
  hashContent(content: Uint8Array): Promise<{ sha256: string; crc32c: number }>;
  crc32c(content: Uint8Array, seed: number): number;
  crc32cCombine(first: number, second: number, secondBytes: number): number;
  sha256Implementation(): string;
  /** False when this machine or this build lacks that implementation. */
  forceSha256(name: string): boolean;
  keepFreedMemory(): boolean;
}

export interface NativePartFile {
  readonly persisted: Persisted;
  readonly nextOffset: number;
  write(offset: number, segments: Uint8Array[], crc32c: number | null): Promise<void>;
  matches(offset: number, segments: Uint8Array[]): Promise<boolean>;
  sync(): Promise<Persisted>;
  finish(size: number): Promise<Content>;
  publish(blobPath: string, manifestPath: string): Promise<void>;
  close(): Promise<void>;
}

export interface NativeBlobReader {
  readonly size: number;
  readonly sha256: string;
  readonly chunkDigests: Buffer;
  readFrame(offset: number, length: number, frame: Uint8Array): Promise<FrameBounds>;
  read(offset: number, length: number): Promise<{ content: Buffer; crc32c: number }>;
  close(): Promise<void>;
}

/** A long native job; `abort` makes `promise` reject with code ABORTED at the next batch. */
export interface AbortableJob<Result> {
  readonly promise: Promise<Result>;
  abort(): void;
}

// From src/native and from dist/native the build folder is two levels up.
const addonPath = fileURLToPath(new URL('../../build/Release/longshore.node', import.meta.url));

function load(): Binding {
  try {
    return createRequire(import.meta.url)(addonPath) as Binding;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
    throw new Error(`load the native core: ${reason}; run "npm run build:native"`, { cause });
  }
}

export const binding: Binding = load();
