import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type { FileServiceHandlers } from '../gen/longshore/v1/FileService.ts';
import type { OperationsHandlers } from '../gen/google/longrunning/Operations.ts';
import type { Logger } from '../telemetry/log.ts';
import { detailStatuses, detailUnknownMethods } from './detailed-status.ts';
import { hotCalls } from './hot-calls.ts';
import { Http2Sessions } from './http2-sessions.ts';
import { serviceDefinition } from './protos.ts';
import { reflection } from './reflection.ts';
import { raiseReceiveWindow } from './receive-window.ts';
import { Malformed, safeDeserialize } from './safe-deserialize.ts';
import { SegmentedMessage } from './segment-decoder.ts';
import { readWriteUploadRequest, type WriteRequest } from './write-upload-request.ts';

const FILE_SERVICE = 'longshore.v1.FileService';
const OPERATIONS = 'google.longrunning.Operations';
const SERVICES = [FILE_SERVICE, OPERATIONS];
const HEALTH = 'grpc.health.v1.Health';
const MESSAGE_BYTES_MAX = 4 * 2 ** 20;
/** A finished call's connection may stay quiet this long before it is asked whether it is still there. */
const KEEPALIVE_INTERVAL_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;

export interface GrpcServerParts {
  files: FileServiceHandlers;
  operations: OperationsHandlers;
  reflection: boolean;
  log: Logger;
}

/** The gRPC port: services, health, reflection. */
export interface GrpcServer {
  /** Where it listens. */
  readonly port: number;
  /** From now on health says NOT_SERVING, so that load balancers look elsewhere. */
  drain(): void;
  /** Takes no new calls; resolves when those under way have ended. */
  close(): Promise<void>;
  /** Cuts whatever is still there. */
  destroy(): void;
}

/** Binds and serves. Rejects with one sentence when the address cannot be had. */
export async function startGrpcServer(
  parts: GrpcServerParts,
  address: { host: string; port: number },
): Promise<GrpcServer> {
  const hot = hotCalls(
    {
      receive: new Set([`/${FILE_SERVICE}/WriteUpload`]),
      send: new Set([`/${FILE_SERVICE}/ReadFile`]),
    },
    MESSAGE_BYTES_MAX,
  );
  const server = new Server({
    interceptors: [
      (method, call) => {
        detailStatuses(call);
        return hot(method, call);
      },
    ],
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.keepalive_time_ms': KEEPALIVE_INTERVAL_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    // Channelz keeps a record of each connection and call that nobody here reads.
    'grpc.enable_channelz': 0,
  });
  const sessions = new Http2Sessions(server);
  raiseReceiveWindow(server, (error) => parts.log.error({ err: error }, 'uploads will be slow'));
  detailUnknownMethods(server);
  server.addService(fileService(), { ...parts.files });
  server.addService(safeDeserialize(serviceDefinition(OPERATIONS)), { ...parts.operations });
  const health = new HealthImplementation({
    '': 'SERVING',
    [FILE_SERVICE]: 'SERVING',
    [OPERATIONS]: 'SERVING',
  });
  health.addToServer(server);
  if (parts.reflection) reflection([...SERVICES, HEALTH]).addToServer(server);
  const port = await bind(server, address);
  return {
    port,
    drain() {
      for (const service of ['', ...SERVICES]) health.setStatus(service, 'NOT_SERVING');
    },
    close: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    destroy() {
      server.forceShutdown();
      sessions.destroy();
    },
  };
}

/** The file service with the hand-made reader for the one message that carries content in. */
function fileService() {
  const definition = safeDeserialize(serviceDefinition(FILE_SERVICE));
  const { WriteUpload } = definition;
  if (!WriteUpload) throw new Error('proto/ holds no method WriteUpload');
  return { ...definition, WriteUpload: { ...WriteUpload, requestDeserialize: readWriteRequest } };
}

/** grpc-js types what a deserialiser gets as Buffer; for hot calls it is what their own decoder made. */
function readWriteRequest(message: Buffer | SegmentedMessage): WriteRequest | Malformed {
  try {
    if (message instanceof SegmentedMessage) return readWriteUploadRequest(message);
    return readWriteUploadRequest(new SegmentedMessage([message], message.length, false, 0));
  } catch (error) {
    return new Malformed(error);
  }
}

function bind(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(target, ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(new Error(`gRPC cannot listen on ${target}: ${error.message}`, { cause: error }));
      else resolve(bound);
    });
  });
}
