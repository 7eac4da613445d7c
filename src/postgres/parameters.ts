/** The values of a statement that is put together from parts; each is named in the text as `$1::type`. */
export class Parameters {
  readonly values: unknown[] = [];

  /** What stands in the text for `value`. `type` is a PostgreSQL type of ours, never anything from outside. */
  add(value: string | number | boolean | null | Buffer, type: string): string {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  }
}
