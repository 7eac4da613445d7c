import { expect, test } from 'vitest';
import {
  nextWindow,
  STREAM_WINDOW_BYTES_MAX,
  STREAM_WINDOW_BYTES_MIN,
} from '../../src/policies/receive-window-growth.ts';

const MIB = 2 ** 20;

test('a window that is half full doubles, one below stays', () => {
  expect(nextWindow(8 * MIB, 4 * MIB)).toBe(16 * MIB);
  expect(nextWindow(8 * MIB, 4 * MIB - 1)).toBe(8 * MIB);
});

test('a fast connection with a short round trip keeps the window it began with', () => {
  const twoGibPerSecond = (2 * 2 ** 30) / 1000;
  expect(nextWindow(STREAM_WINDOW_BYTES_MIN, twoGibPerSecond * 0.5)).toBe(STREAM_WINDOW_BYTES_MIN);
});

test('it grows to a limit and no further', () => {
  let window = STREAM_WINDOW_BYTES_MIN;
  for (let look = 0; look < 20; look += 1) window = nextWindow(window, window);
  expect(window).toBe(STREAM_WINDOW_BYTES_MAX);
});

test('before the round trip is known nothing grows', () => {
  expect(nextWindow(8 * MIB, Infinity)).toBe(8 * MIB);
  expect(nextWindow(8 * MIB, NaN)).toBe(8 * MIB);
});
