import { startApp } from '../app.ts';
import { loadConfig } from '../config.ts';
import { createLogger } from '../telemetry/log.ts';

/** A second signal of the same kind does not wait for calls under way. */
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** `longshore serve`: runs until a signal, then drains. */
export async function serve(): Promise<void> {
  const config = loadConfig();
  const log = createLogger(config.logLevel);
  const stopAsked = signalled();
  const app = await startApp(config, log);
  log.info({ grpc: app.grpcAddress, http: app.httpAddress, data: config.dataFolder }, 'longshore serves');
  const signal = await stopAsked;
  log.info({ signal }, 'draining');
  await app.stop();
  log.info('stopped');
}

function signalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of SIGNALS) process.once(name, () => resolve(name));
  });
}
