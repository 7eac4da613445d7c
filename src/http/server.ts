import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a path answers; null body is an empty one. */
export interface HttpAnswer {
  status: number;
  type: string;
  body: string;
}

export type HttpRoute = () => Promise<HttpAnswer>;

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 10_000;

/** Serves a few GET paths: health and metrics. Rejects with one sentence when the address cannot be had. */
export async function startHttpServer(
  routes: Readonly<Record<string, HttpRoute>>,
  address: { host: string; port: number },
): Promise<HttpServer> {
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => void answer(routes, request, response),
  );
  const port = await listen(server, address);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  routes: Readonly<Record<string, HttpRoute>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, type, body } = await find(routes, request);
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? '' : body);
}

async function find(
  routes: Readonly<Record<string, HttpRoute>>,
  { method, url }: IncomingMessage,
): Promise<HttpAnswer> {
  const route = routes[(url ?? '/').split('?', 1)[0] ?? '/'];
  if (!route) return plain(404, `Nothing is here. There are ${Object.keys(routes).join(', ')}.`);
  if (method !== 'GET' && method !== 'HEAD') return plain(405, 'Only GET is answered here.');
  try {
    return await route();
  } catch {
    return plain(500, 'This could not be answered.');
  }
}

function plain(status: number, sentence: string): HttpAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${sentence}\n` };
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`HTTP cannot listen on ${host}:${port}: ${error.message}`, { cause: error })),
    );
    server.listen(port, host, () => {
      const bound = server.address();
      resolve(isAddressInfo(bound) ? bound.port : port);
    });
  });
}

function isAddressInfo(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}
