import pLimit from 'p-limit';

/** How many of a call's items are worked on at a time: one call leaves room for others at the database and the disk. */
const AT_ONCE = 8;

/** The results in the order of the items. Rejects with the first failure. */
export async function each<T, Result>(
  items: readonly T[],
  act: (item: T) => Promise<Result>,
): Promise<Result[]> {
  const limit = pLimit(AT_ONCE);
  return Promise.all(items.map((item) => limit(() => act(item))));
}
