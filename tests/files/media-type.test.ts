import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LongshoreError } from '../../src/errors.ts';
import { MediaTypes } from '../../src/files/media-type.ts';
import type { MediaTypeRules } from '../../src/files/media-type.ts';
import { content, zipOf } from './sample-content.ts';

const OPEN: MediaTypeRules = { allowed: [], blocked: [], limits: [], fileBytesMax: 1e12, emptyAllowed: true };
const check = (
  mediaType: string,
  head: Buffer,
  { displayName = 'x', rules = OPEN, sizeBytes = head.length } = {},
) => new MediaTypes(rules).check({ mediaType, displayName }, sizeBytes, head);
const reason = (code: string, metadata?: Record<string, string>) =>
  expect.objectContaining(
    metadata ? { reason: code, metadata: expect.objectContaining(metadata) } : { reason: code },
  );

describe('content that is what it was declared to be', () => {
  it.each([
    ['application/pdf', content.pdf],
    ['application/pdf', Buffer.concat([Buffer.from('\ufeff\n\n'), content.pdf])],
    ['image/png', content.png],
    ['image/jpeg', content.jpeg],
    ['image/jpg', content.jpeg],
    ['IMAGE/PNG; q=1', content.png],
    ['application/zip', zipOf('a.txt')],
    ['application/zip', content.docx],
    ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', content.docx],
    ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', zipOf('a.txt')],
    ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', content.cfb],
    ['application/vnd.oasis.opendocument.text', zipOf('mimetype', 'application/vnd.oasis.opendocument.text')],
    ['application/java-archive', zipOf('META-INF/MANIFEST.MF')],
    ['application/msword', content.cfb],
    ['application/gzip', gzipSync('x')],
    ['application/x-gzip', gzipSync('x')],
    ['image/svg+xml', Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['image/svg+xml', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['text/html', Buffer.from('<?xml version="1.0"?><html/>')],
    ['text/plain', Buffer.from('hello')],
    ['text/plain', Buffer.from('BMW and MZ are makers of motor cycles')],
    ['text/plain', Buffer.from('MZ was one too')],
    ['text/x-rst', Buffer.from('BEGIN:VCARD\nVERSION:3.0')],
    ['application/json', Buffer.from('{"a": 1}')],
    ['text/plain; charset=utf-16', Buffer.from('\ufeffhello', 'utf16le')],
    ['application/octet-stream', content.png],
    ['application/octet-stream', Buffer.from('hello')],
    ['application/x-our-own', zipOf('a.txt')],
    ['video/mp4', content.mp4],
    ['video/quicktime', content.mp4],
    ['audio/x-wav', content.wav],
    ['application/pdf', Buffer.alloc(0)],
  ])('%s is taken', async (mediaType, head) => {
    await expect(check(mediaType, head)).resolves.toBe(mediaType);
  });
});

describe('content that is something else', () => {
  it.each([
    ['application/pdf', content.png, 'image/png'],
    ['image/png', content.pdf, 'application/pdf'],
    ['image/png', content.jpeg, 'image/jpeg'],
    ['image/png', Buffer.from('hello'), ''],
    ['application/pdf', Buffer.from('hello'), ''],
    ['application/zip', Buffer.from('hello'), ''],
    ['application/zip', gzipSync('x'), 'application/gzip'],
    ['text/plain', content.png, 'image/png'],
    ['text/plain', content.pdf, 'application/pdf'],
    ['text/csv', content.exe, 'application/x-msdownload'],
    ['image/jpeg', content.exe, 'application/x-msdownload'],
    ['application/json', zipOf('a'), 'application/zip'],
    ['image/svg+xml', content.png, 'image/png'],
    ['image/webp', zipOf('a'), 'application/zip'],
    ['video/mp4', content.pdf, 'application/pdf'],
    ['application/msword', content.pdf, 'application/pdf'],
  ])('declared as %s is TYPE_MISMATCH', async (declared, head, actual) => {
    await expect(check(declared, head)).rejects.toThrow(reason('TYPE_MISMATCH', { declared, actual }));
  });
});

describe('content that was not declared', () => {
  it.each([
    ['report.docx', content.docx, 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    ['report.docx', zipOf('a'), 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    ['a/notes.txt', Buffer.from('hello'), 'text/plain'],
    ['picture.png', content.jpeg, 'image/jpeg'],
    ['picture.png', Buffer.from('hello'), 'application/octet-stream'],
    ['picture', content.png, 'image/png'],
    ['pdf', Buffer.from('hello'), 'application/octet-stream'],
    ['LICENSE', Buffer.from('hello'), 'application/octet-stream'],
    ['v1.2/data', Buffer.from('hello'), 'application/octet-stream'],
  ])(
    '%s gets the type of its content, which its name makes more precise',
    async (displayName, head, expected) => {
      await expect(check('', head, { displayName })).resolves.toBe(expected);
    },
  );
});

describe('the name of a program', () => {
  const rules = {
    ...OPEN,
    blocked: ['application/vnd.microsoft.portable-executable', 'application/x-ms-shortcut'],
  };
  it.each(['a.exe', 'folder/B.DLL', 'setup.pdf.scr', 'x.lnk'])(
    '%s is refused as such, whatever is in it',
    (displayName) => {
      const types = new MediaTypes(rules);
      expect(() => types.checkDeclared({ mediaType: '', displayName }, null)).toThrow(reason('TYPE_BLOCKED'));
      expect(() => types.checkDeclared({ mediaType: 'text/plain', displayName }, null)).toThrow(
        reason('TYPE_BLOCKED'),
      );
    },
  );

  it('is not seen in names that only look like it', () => {
    for (const displayName of ['exe', 'dll', 'www.example.com', 'a.exe.txt']) {
      expect(() => new MediaTypes(rules).checkDeclared({ mediaType: '', displayName }, null)).not.toThrow();
    }
  });
});

describe('a blocked type', () => {
  const rules = { ...OPEN, blocked: ['application/x-msdownload', 'application/vnd.ms-*', 'video/*'] };

  it('is refused by declaration, by name and by content', async () => {
    const types = new MediaTypes(rules);
    const declared = (mediaType: string, displayName = 'x') =>
      types.checkDeclared({ mediaType, displayName }, 5);
    expect(() => declared('video/mp4')).toThrow(reason('TYPE_BLOCKED', { media_type: 'video/mp4' }));
    expect(() => declared('VIDEO/mp4; a=b')).toThrow(reason('TYPE_BLOCKED'));
    expect(() => declared('', 'a.mp4')).toThrow(reason('TYPE_BLOCKED'));
    expect(() => declared('text/plain', 'a.xls')).toThrow(reason('TYPE_BLOCKED'));
    expect(() => declared('image/png', 'a.png')).not.toThrow();
    await expect(check('application/octet-stream', content.exe, { rules })).rejects.toThrow(
      reason('TYPE_BLOCKED'),
    );
    await expect(check('', content.exe, { rules })).rejects.toThrow(reason('TYPE_BLOCKED'));
    await expect(check('application/x-our-own', content.exe, { rules })).rejects.toThrow(
      reason('TYPE_BLOCKED'),
    );
  });

  it('does not refuse what merely has it for a container', async () => {
    const noZip = { ...OPEN, blocked: ['application/zip'] };
    const docx = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
    await expect(check(docx, zipOf('a'), { rules: noZip })).resolves.toBe(docx);
    await expect(check('', zipOf('a'), { rules: noZip })).rejects.toThrow(reason('TYPE_BLOCKED'));
  });

  it('is everything that is not allowed, where something is', async () => {
    const allowing = { ...OPEN, allowed: ['image/*', 'application/pdf'] };
    await expect(check('image/png', content.png, { rules: allowing })).resolves.toBe('image/png');
    await expect(check('', content.pdf, { rules: allowing })).resolves.toBe('application/pdf');
    await expect(check('text/plain', Buffer.from('a'), { rules: allowing })).rejects.toThrow(
      reason('TYPE_BLOCKED'),
    );
    await expect(check('', Buffer.from('a'), { rules: allowing })).rejects.toThrow(reason('TYPE_BLOCKED'));
    await expect(check('application/octet-stream', content.png, { rules: allowing })).rejects.toThrow(
      reason('TYPE_BLOCKED'),
    );
    expect(() =>
      new MediaTypes(allowing).checkDeclared({ mediaType: '', displayName: 'x' }, null),
    ).not.toThrow();
  });
});

describe('a size limit', () => {
  const rules = {
    ...OPEN,
    fileBytesMax: 1000,
    limits: [
      { pattern: '*', bytesMax: 900 },
      { pattern: 'image/*', bytesMax: 100 },
      { pattern: 'image/svg+xml', bytesMax: 10 },
      { pattern: 'image/x-*', bytesMax: 2000 },
    ],
  };
  const types = new MediaTypes(rules);

  it('is that of the most specific pattern, and never above that of all files', () => {
    expect(types.bytesMax('text/plain')).toBe(900);
    expect(types.bytesMax('image/png')).toBe(100);
    expect(types.bytesMax('image/SVG+xml; a=b')).toBe(10);
    expect(types.bytesMax('image/x-icon')).toBe(1000);
    expect(new MediaTypes(OPEN).bytesMax('text/plain')).toBe(1e12);
  });

  it('holds for the declared size and for the content', async () => {
    const image = { mediaType: 'image/png', displayName: 'x' };
    expect(() => types.checkDeclared(image, 100)).not.toThrow();
    expect(() => types.checkDeclared(image, null)).not.toThrow();
    expect(() => types.checkDeclared(image, 101)).toThrow(reason('FILE_TOO_LARGE', { limit: '100' }));
    await expect(types.check(image, 100, content.png)).resolves.toBe('image/png');
    await expect(types.check(image, 101, content.png)).rejects.toThrow(
      reason('FILE_TOO_LARGE', { limit: '100' }),
    );
  });

  it('is not got round by declaring nothing, or application/octet-stream', async () => {
    for (const mediaType of ['', 'application/octet-stream']) {
      await expect(types.check({ mediaType, displayName: 'x' }, 101, content.png)).rejects.toThrow(
        reason('FILE_TOO_LARGE', { limit: '100' }),
      );
    }
  });
});

describe('an empty file', () => {
  it('is taken or refused, as the rules say', async () => {
    await expect(check('text/plain', Buffer.alloc(0))).resolves.toBe('text/plain');
    const rules = { ...OPEN, emptyAllowed: false };
    await expect(check('text/plain', Buffer.alloc(0), { rules })).rejects.toThrow(reason('FIELD_INVALID'));
    expect(() => new MediaTypes(rules).checkDeclared({ mediaType: '', displayName: 'x' }, 0)).toThrow(
      reason('FIELD_INVALID'),
    );
  });
});

describe('any content', () => {
  it('is given a type or refused, whatever its bytes and wherever its beginning is cut', async () => {
    const sample = fc.constantFrom(...Object.values(content), zipOf('a.txt'), gzipSync('hello'));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
      fc
        .tuple(sample, fc.nat(5000), fc.uint8Array({ maxLength: 64 }))
        .map(([head, length, tail]) => Buffer.concat([head.subarray(0, length), tail])),
    );
    const declared = fc.constantFrom(
      '',
      'image/png',
      'text/plain',
      'application/pdf',
      'application/octet-stream',
    );
    await fc.assert(
      fc.asyncProperty(declared, bytes, async (mediaType, head) => {
        try {
          expect(await check(mediaType, head)).toMatch(/^[^/]+\/[^/]+$/);
        } catch (error) {
          expect(error).toBeInstanceOf(LongshoreError);
          expect(error).toHaveProperty('reason', 'TYPE_MISMATCH');
        }
      }),
      { numRuns: 300 },
    );
  });
});
