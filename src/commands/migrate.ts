import { loadConfig } from '../config.ts';
import { withDatabase } from './database.ts';
import { migrate, pendingMigrations } from '../postgres/migrations.ts';

/** `longshore migrate`: applies, or lists, the migrations that the database lacks. */
export async function migrateCommand(dryRun: boolean): Promise<void> {
  await withDatabase(loadConfig(), async (url) => {
    const migrations = dryRun ? await pendingMigrations({ url }) : await migrate({ url });
    for (const { name } of migrations) process.stdout.write(`${dryRun ? 'pending' : 'applied'} ${name}\n`);
    if (migrations.length === 0) process.stdout.write('the database is up to date\n');
  });
}
