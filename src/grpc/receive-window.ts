import type { Http2Server, ServerHttp2Session } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/** Receive window of one stream. */
export const STREAM_WINDOW_BYTES = 8 * 2 ** 20;
/** Receive window of one connection, for all its streams together. */
export const CONNECTION_WINDOW_BYTES = 16 * 2 ** 20;
/** Largest HTTP/2 DATA frame we take: fewer and larger pieces for each message. */
export const FRAME_BYTES_MAX = 2 ** 20;

/** What grpc-js keeps to itself, as of 1.14. */
interface ServerInternals {
  commonServerOptions: { settings?: Record<string, unknown> };
  createHttp2Server(credentials: unknown): Http2Server;
}

/**
 * Raises the HTTP/2 receive windows of every session of the server; call it before binding.
 *
 * Node's HTTP/2 server advertises 64 KiB, so one upload runs at 64 KiB for each round trip: 2 MiB/s over 20 ms. grpc-js has no
 * server option for it (grpc/grpc-node#3058), hence the reach into its insides, held by the version pin, by this
 * function's refusal and by a test through a delaying proxy. `onSession` is told of each session with what it got.
 */
export function raiseReceiveWindow(server: Server, onSession: (session: ServerHttp2Session) => void): void {
  const internals: object = server;
  if (!hasInternals(internals)) {
    throw new Error('this grpc-js has no place to raise the receive window: pin the version in package.json');
  }
  const { createHttp2Server } = internals;
  internals.commonServerOptions.settings = {
    ...internals.commonServerOptions.settings,
    initialWindowSize: STREAM_WINDOW_BYTES,
    maxFrameSize: FRAME_BYTES_MAX,
  };
  internals.createHttp2Server = (credentials) => {
    const http2Server = createHttp2Server.call(server, credentials);
    http2Server.on('session', (session) => {
      session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
      onSession(session);
    });
    return http2Server;
  };
}

/** Throws when a session did not get the windows that uploads need to be quick. */
export function assertReceiveWindow(session: ServerHttp2Session): void {
  const stream = session.localSettings.initialWindowSize ?? 0;
  const connection = session.state.effectiveLocalWindowSize ?? 0;
  if (stream < STREAM_WINDOW_BYTES || connection < CONNECTION_WINDOW_BYTES) {
    throw new Error(
      `the receive window was not raised: ${stream} bytes a stream, ${connection} bytes a connection`,
    );
  }
}

function hasInternals(server: object): server is ServerInternals {
  return 'commonServerOptions' in server && 'createHttp2Server' in server;
}
