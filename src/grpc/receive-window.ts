import type { Http2Server, ServerHttp2Session } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { nextWindow, STREAM_WINDOW_BYTES_MIN } from '../policies/receive-window-growth.ts';

/** The connection's window is this many times a stream's. */
const STREAMS_IN_CONNECTION = 2;
/** Largest HTTP/2 DATA frame we take: fewer and larger pieces for each message. */
const FRAME_BYTES_MAX = 2 ** 20;
/** How often a connection that receives is looked at. */
const LOOK_INTERVAL_MS = 100;

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
 * function's refusal and by a test through a delaying proxy. Each connection begins with 8 MiB a stream and gets more
 * as its bandwidth and round trip ask for it. `onSlow` hears of a session that did not get its windows.
 */
export function raiseReceiveWindow(server: Server, onSlow: (error: Error) => void): void {
  const internals: object = server;
  if (!hasInternals(internals)) {
    throw new Error('this grpc-js has no place to raise the receive window: pin the version in package.json');
  }
  const { createHttp2Server } = internals;
  internals.commonServerOptions.settings = {
    ...internals.commonServerOptions.settings,
    initialWindowSize: STREAM_WINDOW_BYTES_MIN,
    maxFrameSize: FRAME_BYTES_MAX,
  };
  internals.createHttp2Server = (credentials) => {
    const http2Server = createHttp2Server.call(server, credentials);
    http2Server.on('session', (session) => {
      session.setLocalWindowSize(STREAM_WINDOW_BYTES_MIN * STREAMS_IN_CONNECTION);
      session.once('localSettings', () => checkWindow(session, onSlow));
      growWindow(session);
    });
    return http2Server;
  };
}

function hasInternals(server: object): server is ServerInternals {
  return 'commonServerOptions' in server && 'createHttp2Server' in server;
}

function checkWindow(session: ServerHttp2Session, onSlow: (error: Error) => void): void {
  const stream = session.localSettings.initialWindowSize ?? 0;
  const connection = session.state.effectiveLocalWindowSize ?? 0;
  if (stream >= STREAM_WINDOW_BYTES_MIN && connection >= STREAM_WINDOW_BYTES_MIN * STREAMS_IN_CONNECTION)
    return;
  onSlow(
    new Error(`the receive window was not raised: ${stream} bytes a stream, ${connection} a connection`),
  );
}

/** Widens the windows of a connection that fills them. Only one that receives is measured; a quiet one costs nothing but a timer. */
function growWindow(session: ServerHttp2Session): void {
  const { socket } = session;
  let window = STREAM_WINDOW_BYTES_MIN;
  let roundTripMs = Infinity;
  let bytesBefore = socket.bytesRead;
  let lookedAtMs = performance.now();
  const timer = setInterval(() => {
    // A session that was destroyed has no socket, and its 'close' may come a moment later than this.
    if (session.destroyed) return;
    const nowMs = performance.now();
    const bytes = socket.bytesRead - bytesBefore;
    const bytesPerMs = bytes / (nowMs - lookedAtMs);
    bytesBefore = socket.bytesRead;
    lookedAtMs = nowMs;
    if (bytes < window / STREAMS_IN_CONNECTION) return;
    // The shortest trip seen: others waited for a busy event loop, here or there.
    session.ping((error, durationMs) => {
      if (!error) roundTripMs = Math.min(roundTripMs, durationMs);
    });
    const wanted = nextWindow(window, bytesPerMs * roundTripMs);
    if (wanted === window) return;
    window = wanted;
    session.setLocalWindowSize(window * STREAMS_IN_CONNECTION);
    session.settings({ initialWindowSize: window });
  }, LOOK_INTERVAL_MS);
  timer.unref();
  session.once('close', () => clearInterval(timer));
}
