import {
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { serviceDefinition } from '../../src/grpc/protos.ts';
import type { File } from '../../src/gen/longshore/v1/File.ts';
import type { ReadFileRequest__Output } from '../../src/gen/longshore/v1/ReadFileRequest.ts';
import type { ReadFileResponse } from '../../src/gen/longshore/v1/ReadFileResponse.ts';
import type { Upload } from '../../src/gen/longshore/v1/Upload.ts';
import type { WriteUploadRequest__Output } from '../../src/gen/longshore/v1/WriteUploadRequest.ts';
import type { WriteUploadResponse } from '../../src/gen/longshore/v1/WriteUploadResponse.ts';

/** One call of each kind in turn; the last one answers every further call too. */
export interface Script {
  readFile?: ((call: ServerWritableStream<ReadFileRequest__Output, ReadFileResponse>) => void)[];
  writeUpload?: ((call: ServerDuplexStream<WriteUploadRequest__Output, WriteUploadResponse>) => void)[];
  createUpload?: ((answer: sendUnaryData<Upload>) => void)[];
  getUpload?: ((answer: sendUnaryData<Upload>) => void)[];
  getFile?: ((answer: sendUnaryData<File>) => void)[];
}

export interface ScriptedServer {
  readonly address: string;
  /** How many calls of each kind came. */
  readonly calls: Record<keyof Script, number>;
  close(): void;
}

/**
 * A server that says what the script tells it: for what a real one never does, and a client must withstand all the same.
 * Real sockets and the real contract; only its truthfulness is missing.
 */
export async function startScriptedServer(script: Script): Promise<ScriptedServer> {
  const calls = { readFile: 0, writeUpload: 0, createUpload: 0, getUpload: 0, getFile: 0 };
  const next = <Step>(kind: keyof Script, steps: Step[] | undefined): Step => {
    const step = steps?.[Math.min(calls[kind], steps.length - 1)];
    calls[kind] += 1;
    if (step === undefined) throw new Error(`the script has no ${kind}`);
    return step;
  };
  const server = new Server();
  server.addService(serviceDefinition('longshore.v1.FileService'), {
    ReadFile: (call: ServerWritableStream<ReadFileRequest__Output, ReadFileResponse>) =>
      next('readFile', script.readFile)(call),
    WriteUpload: (call: ServerDuplexStream<WriteUploadRequest__Output, WriteUploadResponse>) =>
      next('writeUpload', script.writeUpload)(call),
    CreateUpload: (_: ServerUnaryCall<object, Upload>, answer: sendUnaryData<Upload>) =>
      next('createUpload', script.createUpload)(answer),
    GetUpload: (_: ServerUnaryCall<object, Upload>, answer: sendUnaryData<Upload>) =>
      next('getUpload', script.getUpload)(answer),
    GetFile: (_: ServerUnaryCall<object, File>, answer: sendUnaryData<File>) =>
      next('getFile', script.getFile)(answer),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { address: `127.0.0.1:${port}`, calls, close: () => server.forceShutdown() };
}
