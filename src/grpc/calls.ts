import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  ServerDuplexStream,
} from '@grpc/grpc-js';
import { status as codes } from '@grpc/grpc-js';
import type { Caller } from '../access/caller.ts';
import { LongshoreError } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Admission } from './admission.ts';
import { Malformed } from './safe-deserialize.ts';
import { MessageSink } from './message-sink.ts';
import { MessageSource } from './message-source.ts';
import { codeOf, grpcStatus } from './status.ts';

/** What every handler knows of the call it serves. */
export interface CallContext {
  readonly caller: Caller;
  /** Fires when the client has gone, its deadline has passed or the server stops; the reason is a LongshoreError. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

export type Unary<Request, Response> = (request: Request, context: CallContext) => Promise<Response>;
export type ServerStreaming<Request, Response> = (
  request: Request,
  context: CallContext,
  sink: MessageSink<Response>,
) => Promise<void>;
export type BidiStreaming<Request, Response> = (
  source: MessageSource<Request>,
  context: CallContext,
  sink: MessageSink<Response>,
) => Promise<void>;

/** The part of a grpc-js call that is the same for all kinds. */
interface AnyCall {
  readonly metadata: Metadata;
  getPath(): string;
  getPeer(): string;
  on(event: 'cancelled', listener: () => void): unknown;
}

export interface CallsOptions {
  /** Says who is calling. Throws CREDENTIALS_INVALID. */
  authenticate: (metadata: Metadata) => Promise<Caller>;
  admission: Admission;
  newRequestId: () => string;
  nowMs: () => number;
  metrics: Metrics;
  log: Logger;
}

/**
 * What surrounds every call: who is calling, may it start, how it ends as a status, what is counted and logged.
 * Handlers throw LongshoreErrors (or anything, which is INTERNAL) and return or write messages.
 */
export class Calls {
  readonly #options: CallsOptions;
  readonly #running = new Set<AbortController>();
  #heardIdle: (() => void)[] = [];

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** Ends every call that is still running with `reason`. */
  abort(reason: LongshoreError): void {
    for (const controller of this.#running) controller.abort(reason);
  }

  /** Resolves as soon as no call is running. Health watches and reflection are not among them. */
  async idle(): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#heardIdle.push(resolve));
  }

  unary<Request, Response>(handle: Unary<Request, Response>): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      void this.#run(call, async (context) => handle(wellFormed(call.request), context)).then(
        (response) => callback(null, response),
        (error: LongshoreError) => callback(grpcStatus(error)),
      );
    };
  }

  serverStreaming<Request, Response>(
    handle: ServerStreaming<Request, Response>,
  ): handleServerStreamingCall<Request, Response> {
    return (call) => {
      void this.#run(call, (context) =>
        handle(wellFormed(call.request), context, new MessageSink<Response>(call, context.signal)),
      ).then(
        () => call.end(),
        (error: LongshoreError) => call.destroyed || call.emit('error', grpcStatus(error)),
      );
    };
  }

  bidiStreaming<Request, Response>(
    handle: BidiStreaming<Request, Response>,
  ): handleBidiStreamingCall<Request, Response> {
    return (call: ServerDuplexStream<Request, Response>) => {
      void this.#run(call, (context) =>
        handle(
          new MessageSource<Request>(call, context.signal),
          context,
          new MessageSink<Response>(call, context.signal),
        ),
      ).then(
        () => call.end(),
        (error: LongshoreError) => call.destroyed || call.emit('error', grpcStatus(error)),
      );
    };
  }

  /** Always rejects with a LongshoreError. */
  async #run<T>(call: AnyCall, serve: (context: CallContext) => Promise<T>): Promise<T> {
    const { metrics, nowMs } = this.#options;
    const method = call.getPath().slice(1);
    const startMs = nowMs();
    const controller = new AbortController();
    const requestId = requestIdOf(call.metadata) ?? this.#options.newRequestId();
    const log = this.#options.log.child({ requestId, method, peer: call.getPeer() });
    call.on('cancelled', () =>
      controller.abort(new LongshoreError('CANCELLED', 'The client went away or its deadline passed.')),
    );
    this.#running.add(controller);
    metrics.grpcInFlight.inc({ method });
    let outcome: LongshoreError | null = null;
    try {
      const caller = await this.#options.authenticate(call.metadata);
      await this.#options.admission.admit(caller, this.#running.size);
      return await serve({ caller, signal: controller.signal, log });
    } catch (thrown) {
      outcome = LongshoreError.from(controller.signal.aborted ? controller.signal.reason : thrown);
      throw outcome;
    } finally {
      this.#running.delete(controller);
      if (this.#running.size === 0) for (const hear of this.#heardIdle.splice(0)) hear();
      const durationMs = nowMs() - startMs;
      metrics.grpcInFlight.dec({ method });
      metrics.grpcSeconds.observe({ method }, durationMs / 1000);
      metrics.grpcRequests.inc({ method, code: codes[outcome ? codeOf(outcome.reason) : codes.OK] });
      report(log, outcome, durationMs);
    }
  }
}

function report(log: Logger, outcome: LongshoreError | null, durationMs: number): void {
  if (!outcome) log.debug({ durationMs }, 'served');
  else if (outcome.reason === 'INTERNAL')
    log.error({ durationMs, err: outcome }, 'failed by a fault of ours');
  else log.info({ durationMs, reason: outcome.reason, err: outcome.cause }, outcome.message);
}

function wellFormed<T>(request: T | Malformed): T {
  if (request instanceof Malformed) throw request.error;
  return request;
}

/** A caller may name its request, so that its logs and ours can be joined. */
function requestIdOf(metadata: Metadata): string | null {
  const value = metadata.get('x-request-id')[0];
  return typeof value === 'string' && /^[\w.:-]{1,128}$/.test(value) ? value : null;
}

/** The key that a call shows as `authorization: Bearer <key>`; empty when it shows none. */
export function bearerToken(metadata: Metadata): string {
  const value = metadata.get('authorization')[0];
  const [, token = ''] = /^Bearer (\S{1,512})$/i.exec(typeof value === 'string' ? value : '') ?? [];
  return token;
}
