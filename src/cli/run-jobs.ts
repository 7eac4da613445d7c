/**
 * Gives every item to `work`, at most `jobs` at a time, taking the next one only when a place is free. Rejects with the
 * first error of `work` or of the items themselves once the jobs under way have ended; nothing new begins after it.
 */
export async function runJobs<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  jobs: number,
  signal: AbortSignal,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let failed = false;
  const job = async (): Promise<void> => {
    try {
      while (!failed && !signal.aborted) {
        const { done, value } = await queue.next();
        if (done === true) return;
        await work(value);
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: jobs }, job));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
