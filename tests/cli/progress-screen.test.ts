import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProgressScreen } from '../../src/cli/progress-screen.ts';

let stdout: PassThrough;
let stderr: PassThrough;
let nowMs: number;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  nowMs = 0;
  stdout = new PassThrough();
  stderr = new PassThrough();
});

afterEach(() => {
  vi.useRealTimers();
});

function screen(isInteractive: boolean, json = false): ProgressScreen {
  const terminal = { stdin: new PassThrough(), stdout, stderr, isInteractive, columns: () => 100 };
  return new ProgressScreen(terminal, json, () => nowMs);
}

function pass(ms: number): void {
  nowMs += ms;
  vi.advanceTimersByTime(ms);
}

function text(stream: PassThrough): string {
  return (stream.read() as Buffer | null)?.toString() ?? '';
}

describe('on a terminal', () => {
  it('bars are drawn over themselves, and make room for other text', () => {
    const progress = screen(true);
    const transfer = progress.begin('a.bin');
    transfer.update('', 0, 200);
    nowMs = 50;
    transfer.update('', 100, 200);
    pass(100);
    expect(text(stderr)).toMatch(/^\x1b\[0Ja\.bin .*50%.*\n$/);
    pass(100);
    expect(text(stderr)).toMatch(/^\x1b\[1A\x1b\[0Ja\.bin/);
    progress.clear();
    expect(text(stderr)).toBe('\x1b[1A\x1b[0J');
    progress.clear();
    expect(text(stderr)).toBe('');
    progress.stop();
  });
});

describe('where nobody watches', () => {
  it('a long transfer gets a plain line now and then, a short one none', () => {
    const progress = screen(false);
    progress.begin('short').end();
    const transfer = progress.begin('long');
    transfer.update('', 0, 1000);
    pass(9_000);
    transfer.update('', 400, 1000);
    expect(text(stderr)).toBe('');
    pass(1_000);
    expect(text(stderr)).toMatch(/^long: 40% {2}400 B of 1000 B/);
    progress.stop();
    expect(text(stdout)).toBe('');
  });
});

describe('for programs', () => {
  it('there is an event a second on stdout', () => {
    const progress = screen(false, true);
    const transfer = progress.begin('a.bin');
    transfer.update('hashing', 1, 10);
    transfer.update('', 5, 10);
    pass(1_000);
    expect(JSON.parse(text(stdout))).toEqual({
      event: 'progress',
      subject: 'a.bin',
      phase: 'transfer',
      bytesDone: 5,
      bytesTotal: 10,
      bytesPerSecond: 0,
    });
    progress.stop();
    expect(text(stderr)).toBe('');
  });
});

describe('speed', () => {
  it('does not count what an earlier transfer had done', () => {
    const progress = screen(false, true);
    const transfer = progress.begin('a.bin');
    transfer.update('', 1_000_000, 2_000_000);
    transfer.update('', 1_000_500, 2_000_000);
    pass(1_000);
    expect(JSON.parse(text(stdout))).toMatchObject({ bytesDone: 1_000_500, bytesPerSecond: 500 });
    progress.stop();
  });
});
