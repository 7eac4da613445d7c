import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { MessageSource } from '../../src/grpc/message-source.ts';

function counting(): { stream: Readable; read: () => number } {
  let made = 0;
  const stream = new Readable({
    objectMode: true,
    read() {
      made += 1;
      this.push(made > 10 ? null : made);
    },
  });
  return { stream, read: () => made };
}

test('messages come in order, then null', async () => {
  const source = new MessageSource<number>(counting().stream, new AbortController().signal);
  const messages: number[] = [];
  for (let message = await source.next(); message !== null; message = await source.next())
    messages.push(message);
  expect(messages).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(await source.next()).toBeNull();
});

test('no more than one message is read ahead of who asks', async () => {
  const { stream, read } = counting();
  const source = new MessageSource<number>(stream, new AbortController().signal);
  await source.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(read()).toBeLessThanOrEqual(3);
});

test('waiting ends with the reason of the signal', async () => {
  const stream = new Readable({ objectMode: true, read: () => undefined });
  const controller = new AbortController();
  const source = new MessageSource<number>(stream, controller.signal);
  const next = source.next();
  controller.abort(new Error('idle'));
  await expect(next).rejects.toThrow('idle');
});

test('a stream that is destroyed ends', async () => {
  const stream = new Readable({ objectMode: true, read: () => undefined });
  const source = new MessageSource<number>(stream, new AbortController().signal);
  const next = source.next();
  stream.destroy();
  expect(await next).toBeNull();
});
