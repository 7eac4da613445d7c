import {
  Client,
  credentials,
  Metadata,
  status,
  type ChannelCredentials,
  type ChannelOptions,
  type ClientDuplexStream,
  type ClientReadableStream,
} from '@grpc/grpc-js';
import { fromCallError } from './error-details.ts';
import type {
  Methods,
  ReadFileRequest,
  ReadFileResponse,
  WriteUploadRequest,
  WriteUploadResponse,
} from './messages.ts';
import { method } from './proto.ts';
import type { Surroundings } from './surroundings.ts';
import { isContentRequest, WriteRequestEncoder } from './write-request-encoder.ts';

export interface TlsOptions {
  /** PEM of the authorities to trust; the system's own when absent. */
  readonly ca?: Buffer;
  /** PEM of the client's certificate and key, where the server asks for them. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export interface ChannelSettings {
  /** `host:port`. */
  readonly address: string;
  readonly apiKey?: string | undefined;
  readonly tls?: boolean | TlsOptions | undefined;
  /** Each unary call's deadline. */
  readonly timeoutMs: number;
}

/** Bytes that a server may have on the way to us: at 20 ms of round trip, 64 KB would hold a read to 3 MiB/s. */
const RECEIVE_WINDOW_BYTES = 8 * 1024 * 1024;

const OPTIONS: ChannelOptions = {
  'grpc-node.flow_control_window': RECEIVE_WINDOW_BYTES,
  // Two chunks of the largest size the contract allows, and their frames.
  'grpc.max_receive_message_length': 5 * 1024 * 1024,
  'grpc.max_send_message_length': 5 * 1024 * 1024,
  // Retries are ours (retry.ts): grpc-js's own would keep copies of what is sent, and call a message written before it is.
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  // Its waits between connections come on top of ours.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  // A dead network is found in 30 s though no packet says so.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // A connection of our own: `close` ends it, and no one else's windows are in it.
  'grpc.use_local_subchannel_pool': 1,
};

/** One connection to a server. Errors of every call are LongshoreClientErrors. Nothing is retried here. */
export class Channel {
  readonly #client: Client;
  readonly #settings: ChannelSettings;
  readonly #surroundings: Surroundings;
  #reached = false;

  constructor(settings: ChannelSettings, surroundings: Surroundings) {
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#client = new Client(settings.address, channelCredentials(settings.tls), OPTIONS);
  }

  /** Whether a server ever answered at the other end, if only by refusing. */
  get reached(): boolean {
    return this.#reached;
  }

  /** One attempt of a unary call. Rejects with the signal's reason when that is aborted first. */
  unary<Name extends keyof Methods>(
    name: Name,
    request: Methods[Name]['request'],
    signal?: AbortSignal,
  ): Promise<Methods[Name]['response']> {
    const { path, serialize, deserialize } = method(name);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => call.cancel();
      const call = this.#client.makeUnaryRequest(
        path,
        serialize,
        deserialize,
        request,
        this.#metadata(),
        { deadline: this.#surroundings.nowMs() + this.#settings.timeoutMs },
        (error, response) => {
          signal?.removeEventListener('abort', abort);
          if (error?.code !== status.UNAVAILABLE && error?.code !== status.DEADLINE_EXCEEDED)
            this.#reached = true;
          if (signal?.aborted) reject(signal.reason);
          else if (error || response === undefined) reject(fromCallError(error));
          else resolve(response);
        },
      );
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  writeUpload(): ClientDuplexStream<WriteUploadRequest, WriteUploadResponse> {
    const { path, serialize, deserialize } = method('WriteUpload');
    const encoder = new WriteRequestEncoder();
    const encode = (request: WriteUploadRequest): Buffer =>
      isContentRequest(request) ? encoder.encode(request) : serialize(request);
    return this.#noticed(this.#client.makeBidiStreamRequest(path, encode, deserialize, this.#metadata()));
  }

  readFile(request: ReadFileRequest): ClientReadableStream<ReadFileResponse> {
    const { path, serialize, deserialize } = method('ReadFile');
    return this.#noticed(
      this.#client.makeServerStreamRequest(path, serialize, deserialize, request, this.#metadata()),
    );
  }

  close(): void {
    this.#client.close();
  }

  #noticed<Call extends { once(event: 'metadata', listener: () => void): unknown }>(call: Call): Call {
    call.once('metadata', () => {
      this.#reached = true;
    });
    return call;
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    if (this.#settings.apiKey !== undefined) metadata.set('authorization', `Bearer ${this.#settings.apiKey}`);
    return metadata;
  }
}

function channelCredentials(tls: boolean | TlsOptions | undefined): ChannelCredentials {
  if (tls === undefined || tls === false) return credentials.createInsecure();
  if (tls === true) return credentials.createSsl();
  return credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null);
}
