import type { MethodDefinition } from '@grpc/proto-loader';
import type { OperationsDefinition } from '../gen/google/longrunning/Operations.ts';
import type { FileServiceDefinition } from '../gen/longshore/v1/FileService.ts';

// Generated from the contract (`npm run build`); these are the names that the client calls them by. 64-bit numbers
// are JavaScript numbers, exact up to 8 PiB.
export type { Any__Output as AnyMessage } from '../gen/google/protobuf/Any.ts';
export type { Timestamp__Output as TimestampMessage } from '../gen/google/protobuf/Timestamp.ts';
export type { Status__Output as StatusMessage } from '../gen/google/rpc/Status.ts';
export type { BadRequest__Output as BadRequestMessage } from '../gen/google/rpc/BadRequest.ts';
export type { ErrorInfo__Output as ErrorInfoMessage } from '../gen/google/rpc/ErrorInfo.ts';
export type { RetryInfo__Output as RetryInfoMessage } from '../gen/google/rpc/RetryInfo.ts';
export type { Operation__Output as OperationMessage } from '../gen/google/longrunning/Operation.ts';
export type { Digest__Output as DigestMessage } from '../gen/longshore/v1/Digest.ts';
export type { File as FileInput, File__Output as FileMessage } from '../gen/longshore/v1/File.ts';
export type { Upload__Output as UploadMessage } from '../gen/longshore/v1/Upload.ts';
export type { WriteUploadRequest } from '../gen/longshore/v1/WriteUploadRequest.ts';
export type { WriteUploadResponse__Output as WriteUploadResponse } from '../gen/longshore/v1/WriteUploadResponse.ts';
export type { ReadFileRequest } from '../gen/longshore/v1/ReadFileRequest.ts';
export type { ReadFileResponse__Output as ReadFileResponse } from '../gen/longshore/v1/ReadFileResponse.ts';
export type { ReadHeader__Output as ReadHeaderMessage } from '../gen/longshore/v1/ReadHeader.ts';
export type { ReadData__Output as ReadDataMessage } from '../gen/longshore/v1/ReadData.ts';

/** Each method's request and response by its name. Index signatures of the generated definitions are left out. */
type MethodsOf<Service> = {
  [
    Name in keyof Service as string extends Name ? never : number extends Name ? never : Name
  ]: Service[Name] extends MethodDefinition<
    infer Request,
    infer _ResponseInput,
    infer _RequestOutput,
    infer Response
  >
    ? { request: Request; response: Response }
    : never;
};

/** The methods of the two services that the client calls; no name is in both. */
export type Methods = MethodsOf<FileServiceDefinition> & MethodsOf<OperationsDefinition>;
