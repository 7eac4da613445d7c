import { expect, test } from 'vitest';
import { FRAME_CONTENT_BYTES_MIN, FramePool } from '../../src/grpc/frame-pool.ts';

const MIB = 2 ** 20;

test('a frame is used again by the next stream', () => {
  const pool = new FramePool(64 * MIB, () => undefined);
  const first = pool.take(MIB);
  pool.give(first);
  expect(pool.take(MIB).buffer === first.buffer).toBe(true);
});

test('a dropped frame is never used again: the socket may still be sending from it', () => {
  const pool = new FramePool(64 * MIB, () => undefined);
  const first = pool.take(MIB);
  pool.drop(first);
  expect(pool.take(MIB).buffer === first.buffer).toBe(false);
});

test('frames get smaller as memory gets short, and a stream never gets none', () => {
  const pool = new FramePool(8 * MIB, () => undefined);
  const sizes = Array.from({ length: 40 }, () => pool.take(MIB).contentBytes);
  expect(sizes.slice(0, 3)).toEqual([MIB, MIB, MIB]);
  expect(sizes).toContain(256 * 1024);
  expect(sizes.slice(-3)).toEqual([
    FRAME_CONTENT_BYTES_MIN,
    FRAME_CONTENT_BYTES_MIN,
    FRAME_CONTENT_BYTES_MIN,
  ]);
  expect([...sizes].sort((a, b) => b - a)).toEqual(sizes);
});

test('it says how much is in use, and nothing when all is given back', () => {
  const used: number[] = [];
  const pool = new FramePool(64 * MIB, (bytes) => used.push(bytes));
  const frames = [pool.take(MIB), pool.take(MIB)];
  expect(used.at(-1)).toBeGreaterThan(2 * MIB);
  for (const frame of frames) pool.give(frame);
  expect(used.at(-1)).toBe(0);
});

test('a size between two is served by the smaller one', () => {
  const pool = new FramePool(64 * MIB, () => undefined);
  expect(pool.take(700_000).contentBytes).toBe(256 * 1024);
  expect(pool.take(1000).contentBytes).toBe(FRAME_CONTENT_BYTES_MIN);
});
