import { join } from 'node:path';

/** What the environment says about the command line. Only this file reads it. */
export interface CliEnvironment {
  /** LONGSHORE_SERVER: `host:port`. */
  readonly server: string;
  /** LONGSHORE_TENANT. */
  readonly tenant: string;
  /** LONGSHORE_API_KEY: better here than on the command line, where every user of the machine can read it. */
  readonly apiKey: string | undefined;
  /** Where notes for resuming lie, from XDG_STATE_HOME; undefined for the client's own choice. */
  readonly notesFolder: string | undefined;
}

const SERVER_DEFAULT = '127.0.0.1:50051';
const TENANT_DEFAULT = 'default';

export function readEnvironment(env: NodeJS.ProcessEnv = process.env): CliEnvironment {
  const stateHome = env['XDG_STATE_HOME'];
  return {
    server: env['LONGSHORE_SERVER'] || SERVER_DEFAULT,
    tenant: env['LONGSHORE_TENANT'] || TENANT_DEFAULT,
    apiKey: env['LONGSHORE_API_KEY'] || undefined,
    notesFolder: stateHome ? join(stateHome, 'longshore') : undefined,
  };
}
