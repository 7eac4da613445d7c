import type { Config } from '../config.ts';
import { startEmbeddedPostgres } from '../postgres/embedded.ts';

/** Runs `act` on the configured database; the embedded one is started for it, and stopped after. */
export async function withDatabase(config: Config, act: (url: string) => Promise<void>): Promise<void> {
  if (config.databaseUrl !== null) return act(config.databaseUrl);
  const embedded = await startEmbeddedPostgres({ dataFolder: config.dataFolder });
  try {
    await act(embedded.url);
  } finally {
    await embedded.stop();
  }
}
