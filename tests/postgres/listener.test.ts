import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createPostgresListener, type PostgresListener } from '../../src/postgres/listener.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startTcpSwitch } from '../support/tcp-switch.ts';

const database = await createTestDatabase({ empty: true });
afterAll(() => database.close());
const { postgres } = database;

const listeners: PostgresListener[] = [];
afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
});

function listen(url = database.url): PostgresListener {
  const listener = createPostgresListener({ url });
  listeners.push(listener);
  return listener;
}

/** What a handler was called with, one by one. */
function inbox(): {
  handler: (payload: string | null) => void;
  next: () => Promise<string | null>;
  left: number;
} {
  const events = new EventTarget();
  const items: (string | null)[] = [];
  return {
    handler: (payload) => {
      items.push(payload);
      events.dispatchEvent(new Event('item'));
    },
    next: async () => {
      while (items.length === 0) await once(events, 'item', { signal: AbortSignal.timeout(10_000) });
      return items.shift() ?? null;
    },
    get left() {
      return items.length;
    },
  };
}

async function notify(channel: string, payload: string): Promise<void> {
  await postgres.query('select pg_notify($1, $2)', [channel, payload]);
}

describe('a listener', () => {
  it('says when it listens, then hears each notification of its channels alone', async () => {
    const listener = listen();
    const uploads = inbox();
    const files = inbox();
    listener.listen('uploads', uploads.handler);
    listener.listen('Files "quoted"', files.handler);
    expect(await uploads.next()).toBeNull();
    expect(await files.next()).toBeNull();
    await notify('uploads', 'one');
    await notify('Files "quoted"', 'two');
    await notify('others', 'three');
    await notify('uploads', '');
    expect(await uploads.next()).toBe('one');
    expect(await uploads.next()).toBe('');
    expect(await files.next()).toBe('two');
    expect(uploads.left + files.left).toBe(0);
  });

  it('takes further channels and handlers at any time, and leaves them', async () => {
    const listener = listen();
    const first = inbox();
    const stopFirst = listener.listen('a', first.handler);
    expect(await first.next()).toBeNull();
    const second = inbox();
    const third = inbox();
    listener.listen('a', second.handler);
    listener.listen('b', third.handler);
    expect(await second.next()).toBeNull();
    expect(await third.next()).toBeNull();
    stopFirst();
    await notify('a', 'x');
    await notify('b', 'y');
    expect(await second.next()).toBe('x');
    expect(await third.next()).toBe('y');
    expect(first.left).toBe(0);
  });

  it('comes back when its connection is cut, and says that it may have missed something', async () => {
    const listener = listen();
    const box = inbox();
    listener.listen('uploads', box.handler);
    expect(await box.next()).toBeNull();
    await postgres.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'longshore listen' and datname = current_database()`,
    );
    expect(await box.next()).toBeNull();
    await notify('uploads', 'again');
    expect(await box.next()).toBe('again');
  });

  it('comes back when the database was away', async () => {
    await using link = await startTcpSwitch(database.url);
    const listener = listen(link.url);
    const box = inbox();
    listener.listen('uploads', box.handler);
    expect(await box.next()).toBeNull();
    link.off();
    await delay(300);
    link.on();
    expect(await box.next()).toBeNull();
    await notify('uploads', 'again');
    expect(await box.next()).toBe('again');
  });

  it('closes at once while the database is away', async () => {
    await using link = await startTcpSwitch(database.url);
    link.off();
    const listener = createPostgresListener({ url: link.url });
    listener.listen('uploads', () => undefined);
    await delay(50);
    const sinceMs = performance.now();
    await listener.close();
    expect(performance.now() - sinceMs).toBeLessThan(1_000);
  });
});
