import { expect, test } from 'vitest';
import { alternate, median } from '../../bench/measure.ts';

test('contenders run in turn, and the first round does not count', async () => {
  const order: string[] = [];
  const values = { a: [100, 1, 2, 9], b: [100, 5, 7, 6] };
  const contender = (name: 'a' | 'b') => () => {
    order.push(name);
    return Promise.resolve({ speed: values[name].shift() ?? NaN });
  };
  const measured = await alternate({ a: contender('a'), b: contender('b') }, 3);
  expect(order.join('')).toBe('abababab');
  expect(measured.a.median.speed).toBe(2);
  expect(measured.b.median.speed).toBe(6);
  expect(measured.a.samples).toEqual([{ speed: 1 }, { speed: 2 }, { speed: 9 }]);
});

test('the median of an even number of values lies between the middle two', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});
