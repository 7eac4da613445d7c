import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { StreamSource } from '../../src/client/stream-source.ts';

function pieces(...texts: string[]): AsyncIterable<Uint8Array> {
  return Readable.from(texts.map((text) => Buffer.from(text)));
}

async function text(source: StreamSource, offset: number, length: number): Promise<string> {
  return Buffer.from(await source.read(offset, length)).toString();
}

describe('a stream as a source', () => {
  it('is cut into chunks of the size asked for, whatever pieces it comes in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string()), fc.integer({ min: 1, max: 20 }), async (texts, size) => {
        const source = new StreamSource(pieces(...texts), undefined, 1e6);
        const whole = Buffer.from(texts.join(''));
        let at = 0;
        for (;;) {
          const chunk = await source.read(at, size);
          expect(Buffer.from(chunk)).toEqual(whole.subarray(at, at + size));
          if (chunk.length === 0) break;
          at += chunk.length;
        }
        expect(at).toBe(whole.length);
      }),
    );
  });

  it('gives again what was not released, from any byte of it', async () => {
    const source = new StreamSource(pieces('abcdefgh'), undefined, 100);
    await source.read(0, 3);
    await source.read(3, 3);
    source.release(4);
    expect(await text(source, 4, 3)).toBe('ef');
    expect(await text(source, 6, 3)).toBe('gh');
    expect(await text(source, 3, 3)).toBe('def');
  });

  it('refuses what it has let go', async () => {
    const source = new StreamSource(pieces('abcdefgh'), undefined, 100);
    await source.read(0, 4);
    source.release(4);
    await expect(source.read(0, 4)).rejects.toMatchObject({ reason: 'SOURCE_CHANGED' });
  });

  it('keeps no more than it may, and waits for a release instead', async () => {
    const source = new StreamSource(pieces('abcdefgh'), undefined, 4);
    await source.read(0, 2);
    await source.read(2, 2);
    let arrived = false;
    const next = source.read(4, 2).then((chunk) => {
      arrived = true;
      return Buffer.from(chunk).toString();
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(arrived).toBe(false);
    source.release(2);
    expect(await next).toBe('ef');
  });

  it('loses nothing when a wait for its next piece is given up', async () => {
    const stream = new PassThrough();
    const source = new StreamSource(stream, undefined, 100);
    stream.write('ab');
    const controller = new AbortController();
    const waiting = source.read(0, 4, controller.signal);
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error('cut'));
    await expect(waiting).rejects.toThrow('cut');
    stream.end('cdef');
    expect(await text(source, 0, 4)).toBe('abcd');
    expect(await text(source, 4, 4)).toBe('ef');
    expect(await text(source, 6, 4)).toBe('');
  });

  it('passes the error of its stream on', async () => {
    const stream = new Readable({ read: () => stream.destroy(new Error('the tape broke')) });
    await expect(new StreamSource(stream, undefined, 100).read(0, 4)).rejects.toThrow('the tape broke');
  });

  it('refuses text', async () => {
    const source = new StreamSource(Readable.from(['text']) as AsyncIterable<Uint8Array>, undefined, 100);
    await expect(source.read(0, 4)).rejects.toThrow('must give bytes');
  });
});
