/** What was opened, to be closed in the opposite order. */
export class Lifetime {
  readonly #closers: (() => unknown)[] = [];

  /** Takes charge of `thing`: `close` is called with it when this ends. */
  own<T>(thing: T, close: (thing: T) => unknown): T {
    this.#closers.push(() => close(thing));
    return thing;
  }

  /** Closes everything, the youngest first, also when something fails on the way; then rejects with the first failure. */
  async end(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
