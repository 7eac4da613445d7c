import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;

/** Levels a logger can be set to, quietest last. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

// Names under which a secret could slip into a line. Values are never logged from request bodies or metadata anyway.
const SECRET_PATHS = ['authorization', 'apiKey', 'password', 'secret', 'token', 'upload', 'uploadId'];

/** An upload by its name or its folder, as messages and causes tell it. */
const UPLOAD = /\buploads\/[a-z0-9][a-z0-9_-]*/g;

/**
 * Structured logs: one JSON object a line, on standard output unless a destination is given.
 * An upload's name carries the right to write, so it is redacted like any other secret, wherever in a line it stands.
 */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service: 'longshore' },
    redact: { paths: [...SECRET_PATHS, ...SECRET_PATHS.map((path) => `*.${path}`)], censor: '[secret]' },
    hooks: { streamWrite: (line: string) => line.replace(UPLOAD, 'uploads/[secret]') },
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
  };
  return destination ? pino(options, destination) : pino(options);
}
