import type { Metrics } from '../telemetry/metrics.ts';
import type { HttpRoute } from './server.ts';

/** One thing that the service stands on. */
export interface HealthCheck {
  name: string;
  /** Rejects when it is not well; the message says why. */
  check: () => Promise<void>;
}

/** `/health`: 200 while everything is well and the server is not draining, else 503; JSON says what is what. */
export function healthRoute(checks: readonly HealthCheck[], isDraining: () => boolean): HttpRoute {
  return async () => {
    const results = await Promise.all(checks.map(runCheck));
    const draining = isDraining();
    const well = !draining && results.every(({ status }) => status === 'ok');
    const body = {
      status: draining ? 'draining' : well ? 'ok' : 'degraded',
      checks: Object.fromEntries(results.map(({ name, ...result }) => [name, result])),
    };
    return { status: well ? 200 : 503, type: 'application/json', body: `${JSON.stringify(body)}\n` };
  };
}

/** `/metrics`, as Prometheus reads it. */
export function metricsRoute({ registry }: Metrics): HttpRoute {
  return async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() });
}

async function runCheck({
  name,
  check,
}: HealthCheck): Promise<{ name: string; status: string; reason?: string }> {
  try {
    await check();
    return { name, status: 'ok' };
  } catch (error) {
    return { name, status: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}
