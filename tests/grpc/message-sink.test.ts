import { expect, test } from 'vitest';
import { MessageSink } from '../../src/grpc/message-sink.ts';

test('a write resolves when the socket has the message', async () => {
  const callbacks: ((error?: Error | null) => void)[] = [];
  const sink = new MessageSink<string>(
    { write: (_, done) => callbacks.push(done) > 0 },
    new AbortController().signal,
  );
  let written = false;
  const writing = sink.write('a').then(() => (written = true));
  await Promise.resolve();
  expect(written).toBe(false);
  callbacks[0]?.();
  await writing;
});

test('writes that will never be called back are rejected when the call is cancelled', async () => {
  const controller = new AbortController();
  const sink = new MessageSink<string>({ write: () => false }, controller.signal);
  const writing = sink.write('a');
  controller.abort(new Error('gone'));
  await expect(writing).rejects.toThrow('gone');
  expect(() => sink.write('b')).toThrow('gone');
});
