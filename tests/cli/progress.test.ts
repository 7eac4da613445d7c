import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { progressLines, type TransferState } from '../../src/cli/progress-lines.ts';
import { SpeedMeter, timeLeftMs } from '../../src/cli/speed-meter.ts';

const MIB = 2 ** 20;

function transfer(change: Partial<TransferState> = {}): TransferState {
  return {
    name: 'a.bin',
    phase: '',
    bytesDone: 25 * MIB,
    bytesTotal: 100 * MIB,
    bytesPerSecond: 5 * MIB,
    ...change,
  };
}

const nothing = { filesDone: 0, bytesDone: 0, bytesPerSecond: 0 };

describe('speed', () => {
  it('is nothing before anything came', () => {
    expect(new SpeedMeter(0).bytesPerSecond(3_000)).toBe(0);
  });

  it('of an even flow is that flow, from its beginning on', () => {
    const meter = new SpeedMeter(0);
    for (let ms = 100; ms <= 20_000; ms += 100) {
      meter.add(ms, 1_000);
      if (ms % 1_000 === 0) expect(meter.bytesPerSecond(ms)).toBeCloseTo(10_000, 0);
    }
  });

  it('follows the last five seconds only', () => {
    const meter = new SpeedMeter(0);
    meter.add(1_000, 1e9);
    meter.add(10_000, 5_000);
    expect(meter.bytesPerSecond(10_000)).toBe(1_000);
    expect(meter.bytesPerSecond(15_000)).toBe(0);
  });

  it('gives the time that is left, unless nothing moves', () => {
    expect(timeLeftMs(10_000, 1_000)).toBe(10_000);
    expect(timeLeftMs(10_000, 0)).toBeUndefined();
  });
});

describe('a line of progress', () => {
  it('says how far, how fast and how long still', () => {
    const [line] = progressLines([transfer()], nothing, 100);
    expect(line).toBe(
      'a.bin           [#####---------------]  25%  25.0 MiB of 100 MiB  5.0 MiB/s  15 s left',
    );
  });

  it('of a stream says what came, for nobody knows how much will', () => {
    const [line] = progressLines([transfer({ bytesTotal: undefined })], nothing, 60);
    expect(line).toBe('a.bin        25.0 MiB  5.0 MiB/s');
  });

  it('names what is done when it is not the transfer', () => {
    expect(progressLines([transfer({ phase: 'hashing' })], nothing, 120)[0]).toMatch(/\(hashing\)$/);
  });

  it('of an empty file is complete', () => {
    expect(progressLines([transfer({ bytesDone: 0, bytesTotal: 0 })], nothing, 100)[0]).toContain('100%');
  });

  it('cannot be broken by a name', () => {
    expect(progressLines([transfer({ name: 'a\n\x1b[1A' })], nothing, 100)[0]).toContain('a\\x0a\\x1b[1A');
  });

  it('is never wider than the terminal', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 300 }),
        fc.integer({ min: 1, max: 250 }),
        fc.nat(),
        fc.option(fc.nat(), { nil: undefined }),
        (name, columns, bytesDone, bytesTotal) => {
          const lines = progressLines([transfer({ name, bytesDone, bytesTotal })], nothing, columns);
          for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  it('is joined by one for all where there are several', () => {
    const total = { filesDone: 3, bytesDone: 7 * MIB, bytesPerSecond: MIB };
    const lines = progressLines([transfer(), transfer({ name: 'b.bin' })], total, 100);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe('3 done, 2 under way: 7.0 MiB, 1.0 MiB/s');
  });
});
