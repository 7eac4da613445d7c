import type { Http2Server, ServerHttp2Session } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/** What grpc-js keeps to itself, as of 1.14. */
interface ServerInternals {
  createHttp2Server(credentials: unknown): Http2Server;
}

/** The connections of a server; make it before binding. */
export class Http2Sessions {
  readonly #open = new Set<ServerHttp2Session>();

  constructor(server: Server) {
    const internals: object = server;
    if (!hasInternals(internals)) {
      throw new Error('this grpc-js has no place to see its sessions: pin the version in package.json');
    }
    const { createHttp2Server } = internals;
    internals.createHttp2Server = (credentials) => {
      const http2Server = createHttp2Server.call(server, credentials);
      http2Server.on('session', (session) => {
        this.#open.add(session);
        session.once('close', () => this.#open.delete(session));
      });
      return http2Server;
    };
  }

  /** Cuts all of them. (`forceShutdown` of grpc-js knows none when channelz is off, and a process with one does not end.) */
  destroy(): void {
    for (const session of this.#open) session.destroy();
  }
}

function hasInternals(server: object): server is ServerInternals {
  return 'createHttp2Server' in server;
}
