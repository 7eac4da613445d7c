import pg from 'pg';

export interface Heard {
  /** What came since the last call, parsed; waits until there are `count`. */
  next(count: number): Promise<unknown[]>;
  close(): Promise<void>;
}

/** Listens on a channel of the database with a plain connection of its own. */
export async function hearNotifications(url: string, channel: string): Promise<Heard> {
  const client = new pg.Client(url);
  await client.connect();
  const payloads: unknown[] = [];
  let wake = (): void => undefined;
  client.on('notification', ({ payload }) => {
    payloads.push(JSON.parse(payload ?? 'null'));
    wake();
  });
  await client.query(`listen ${channel}`);
  return {
    async next(count) {
      while (payloads.length < count) await new Promise<void>((resolve) => (wake = resolve));
      // What was sent before this statement came is delivered with its answer.
      await client.query('select');
      return payloads.splice(0);
    },
    close: () => client.end(),
  };
}
