#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { version } from './version.ts';

const EXIT_USAGE = 2;

/** The `longshore` command: the server's own commands here, all others as clients of a server. Parts load when needed. */
const program = new Command('longshore')
  .description('One gRPC service between your backends and every place their files live.')
  .version(version)
  .showHelpAfterError()
  .exitOverride();

program
  .command('serve')
  .description('start the server; settings come from the environment (see README)')
  .action(async () => (await import('./commands/serve.ts')).serve());

program
  .command('migrate')
  .description('apply the migrations that the database lacks')
  .option('--dry-run', 'only list them')
  .action(async (options: { dryRun?: boolean }) =>
    (await import('./commands/migrate.ts')).migrateCommand(options.dryRun ?? false),
  );

program
  .command('doctor')
  .description('check that each setting does what it says')
  .option('--json', 'print one JSON object')
  .action(async (options: { json?: boolean }) =>
    (await import('./commands/doctor.ts')).doctor(options.json ?? false),
  );

program
  .command('keys')
  .description('make, list and revoke API keys in the database')
  .argument('<action>', 'create, list or revoke')
  .argument('[key-id]', 'the key to revoke')
  .option('--tenant <tenant>', 'whose key', 'default')
  .option('--role <role>', 'reader, writer or admin', 'writer')
  .option('--description <text>', 'what it is for', '')
  .action(async (action: string, keyId: string | undefined, options: KeyOptions) =>
    (await import('./commands/keys.ts')).keysCommand(action, keyId, options),
  );

const { clientCommands } = await import('./cli/commands.ts');
clientCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said what was wrong with the command line.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  else {
    process.stderr.write(`longshore: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

interface KeyOptions {
  tenant: string;
  role: string;
  description: string;
}
