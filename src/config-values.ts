import path from 'node:path';
import { z } from 'zod';

/**
 * Readers of settings: each turns the text of one setting into its value, or says what it should look like. What a
 * message says follows the setting's name: "LONGSHORE_UPLOAD_TTL: should be a duration such as ...".
 */
export type Reader<T> = z.ZodType<T, string>;

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

export interface Range {
  /** In the setting's own notation. */
  readonly min?: string;
  readonly max?: string;
}

/** A whole number of bytes: `65536`, `64KiB`, `10MB`, `1.5GiB`. */
export function bytes(range: Range = {}): Reader<number> {
  return quantity('a size such as 64KiB, 10MB or 1GiB', parseBytes, range);
}

/** Milliseconds, from `250ms`, `30s`, `5m`, `24h` or `7d`. */
export function durationMs(range: Range = {}): Reader<number> {
  return quantity('a duration such as 30s, 5m or 7d', parseDurationMs, range);
}

export function integer(range: Range = {}): Reader<number> {
  return quantity('a whole number', (text) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined), range);
}

export function oneOf<const T extends string>(choices: readonly T[]): Reader<T> {
  return reader(`should be one of ${choices.join(', ')}`, (text) =>
    choices.find((choice) => choice === text),
  );
}

/** One of two words. */
export function eitherOr(yes: string, no: string): Reader<boolean> {
  return reader(`should be ${yes} or ${no}`, (text) =>
    text === yes ? true : text === no ? false : undefined,
  );
}

export interface Address {
  /** A name or an IP address, the latter without brackets. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** `host:port` or `[IPv6 address]:port`. */
export function address(): Reader<Address> {
  return reader('should be an address such as 127.0.0.1:50051 or [::1]:50051', (text) => {
    const [, ipv6, name, digits] = /^(?:\[([0-9a-fA-F:.%]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? [];
    const port = Number(digits);
    const host = ipv6 ?? name;
    return host === undefined || port > 65_535 ? undefined : { host, port };
  });
}

/** An absolute path; a relative one starts at the current folder. */
export function folder(): Reader<string> {
  return reader('should be the path of a folder', (text) =>
    text.includes('\0') ? undefined : path.resolve(text),
  );
}

/** Null when empty. Its value is never repeated in a message: it may hold a password. */
export function postgresUrl(): Reader<string | null> {
  return reader<string | null>(
    'should be a connection string such as postgresql://user:password@host:5432/database',
    (text) => {
      if (text === '') return null;
      return /^postgres(ql)?:\/\/\S+$/.test(text) && URL.canParse(text) ? text : undefined;
    },
  );
}

/** 32 bytes out of 64 hexadecimal digits; null when empty. */
export function secretKey(): Reader<Buffer | null> {
  return reader<Buffer | null>('should be 64 hexadecimal digits', (text) => {
    if (text === '') return null;
    return /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, 'hex') : undefined;
  });
}

const MEDIA_TYPE_PATTERN = /^[a-z0-9*][a-z0-9!#$&^_.+*-]*\/[a-z0-9*][a-z0-9!#$&^_.+*-]*$/;

/** Media types separated by commas, `*` standing for any characters; `none` or nothing is the empty list. */
export function mediaTypes(): Reader<readonly string[]> {
  return reader('should be media types separated by commas, such as application/pdf,image/*', (text) => {
    const patterns = items(text);
    return patterns.every((pattern) => MEDIA_TYPE_PATTERN.test(pattern)) ? patterns : undefined;
  });
}

export interface MediaTypeLimit {
  readonly pattern: string;
  readonly bytesMax: number;
}

/** `type=size` separated by commas; `none` or nothing is the empty list. */
export function mediaTypeLimits(): Reader<readonly MediaTypeLimit[]> {
  return reader('should be media types with sizes, such as application/pdf=50MB,image/*=10MB', (text) => {
    const limits = items(text).map((item) => {
      const [pattern = '', size = '', ...more] = item.split('=');
      return { pattern, bytesMax: more.length > 0 ? undefined : parseBytes(size) };
    });
    const valid = limits.every(
      ({ pattern, bytesMax }) => MEDIA_TYPE_PATTERN.test(pattern) && bytesMax !== undefined,
    );
    return valid ? (limits as MediaTypeLimit[]) : undefined;
  });
}

function items(text: string): string[] {
  if (text === '' || text === 'none') return [];
  return text.split(',').map((item) => item.trim().toLowerCase());
}

function parseBytes(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,15}(?:\.\d{1,3})?) ?([kmgt]?i?b)?$/i.exec(text) ?? [];
  const factor = BYTE_UNITS[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) return undefined;
  const value = Number(digits) * factor;
  return Number.isSafeInteger(value) ? value : undefined;
}

function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0;
  const [, digits, unit = ''] = /^(\d{1,12}(?:\.\d{1,3})?) ?(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = DURATION_UNITS_MS[unit];
  if (digits === undefined || factor === undefined) return undefined;
  const value = Number(digits) * factor;
  return Number.isSafeInteger(value) ? value : undefined;
}

function quantity(
  what: string,
  parse: (text: string) => number | undefined,
  { min, max }: Range,
): Reader<number> {
  const least = parse(min ?? '0') ?? 0;
  const most = max === undefined ? Number.MAX_SAFE_INTEGER : (parse(max) ?? 0);
  const limits = [
    ...(min === undefined ? [] : [`at least ${min}`]),
    ...(max === undefined ? [] : [`at most ${max}`]),
  ];
  const expected = [`should be ${what}`, ...(limits.length === 0 ? [] : [limits.join(' and ')])].join(', ');
  return reader(expected, (text) => {
    const value = parse(text);
    return value !== undefined && value >= least && value <= most ? value : undefined;
  });
}

/** @param parse gives undefined for what it cannot read. */
function reader<T>(expected: string, parse: (text: string) => T | undefined): Reader<T> {
  return z.string().transform((text, context) => {
    const value = parse(text.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  });
}
