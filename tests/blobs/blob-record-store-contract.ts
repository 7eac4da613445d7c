import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { BlobRecordStore } from '../../src/blobs/blob-record-store.ts';
import type { FileStore } from '../../src/files/file-store.ts';
import { contentOf, PlacedBytes, specOf } from '../files/sample-file.ts';

export interface BlobStores {
  blobs: BlobRecordStore;
  /** The same store in another process. */
  otherBlobs: BlobRecordStore;
  /** Makes and removes the files that blobs are there for. */
  files: FileStore;
}

const HOUR_MS = 3_600_000;
const unhurried = new AbortController().signal;
const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS);

/** What every store of blob records must do. */
export function blobRecordStoreContract(open: () => BlobStores): void {
  const { blobs, otherBlobs, files } = open();
  const bytes = new PlacedBytes();
  const put = async (tenantId: string, fileId: string, text: string): Promise<string> => {
    const content = contentOf(text);
    const options = { mustNotExist: false, uploadId: null };
    const { file } = await files.commit(
      tenantId,
      specOf(fileId),
      content,
      options,
      bytes.place(content.sha256),
    );
    return file.sha256;
  };
  const forget = async (tenantId: string, fileId: string): Promise<void> => {
    await files.delete(tenantId, fileId, { etag: null, allowMissing: false, purgeTime: inHours(-1) });
    await files.purge(new Date(), 1000);
  };
  const collectAll = () => blobs.collect(inHours(1), 1000, bytes.remove, unhurried);

  describe('a blob', () => {
    it('is known once a file has it', async () => {
      const { sha256, sizeBytes } = contentOf('known');
      expect(await blobs.get(sha256)).toBeNull();
      await put('knower', 'a', 'known');
      expect(await blobs.get(sha256)).toMatchObject({
        sha256,
        sizeBytes,
        duplicateCount: 0,
        state: 'active',
        badChunks: [],
      });
      expect(await blobs.known([sha256, '0'.repeat(64)])).toEqual(new Set([sha256]));
      expect(await blobs.known([])).toEqual(new Set());
    });

    it('is good or bad as it was verified last', async () => {
      const sha256 = await put('verifier', 'a', 'verified');
      await blobs.recordVerification(sha256, [1, 7], inHours(-3));
      expect(await blobs.get(sha256)).toMatchObject({ state: 'quarantined', badChunks: [1, 7] });
      const now = inHours(-2);
      await blobs.recordVerification(sha256, [], now);
      expect(await blobs.get(sha256)).toMatchObject({ state: 'active', badChunks: [], verifyTime: now });
    });

    it('is due when it was not verified for long, longest first, and not while it is set aside', async () => {
      const [older, old, bad] = [
        await put('scrubber', 'a', 'older'),
        await put('scrubber', 'b', 'old'),
        await put('scrubber', 'c', 'bad'),
      ];
      await put('scrubber', 'd', 'fresh');
      await blobs.recordVerification(old, [], inHours(-100));
      await blobs.recordVerification(older, [], inHours(-200));
      await blobs.recordVerification(bad, [0], inHours(-300));
      const due = await blobs.dueForVerification(inHours(-50), 10);
      expect(due.map((blob) => blob.sha256)).toEqual([older, old]);
      expect(await blobs.dueForVerification(inHours(-50), 1)).toHaveLength(1);
    });
  });

  describe('collecting', () => {
    it('takes the bytes and the row of what no file points to', async () => {
      const sha256 = await put('collector', 'a', 'unused soon');
      await forget('collector', 'a');
      expect(await collectAll()).toBe(1);
      expect(bytes.digests.has(sha256)).toBe(false);
      expect(await blobs.get(sha256)).toBeNull();
      expect(await collectAll()).toBe(0);
    });

    it('takes what was replaced', async () => {
      const first = await put('replacer', 'a', 'first version');
      const second = await put('replacer', 'a', 'second version');
      expect(await collectAll()).toBe(1);
      expect(await blobs.known([first, second])).toEqual(new Set([second]));
    });

    it('leaves what another file has, also a deleted one, until that is gone too', async () => {
      const sha256 = await put('keeper', 'a', 'kept by another');
      await put('keeper', 'b', 'kept by another');
      await forget('keeper', 'a');
      await files.delete('keeper', 'b', { etag: null, allowMissing: false, purgeTime: inHours(1) });
      expect(await collectAll()).toBe(0);
      await files.undelete('keeper', 'b', null);
      await forget('keeper', 'b');
      expect(await collectAll()).toBe(1);
      expect(await blobs.get(sha256)).toBeNull();
    });

    it('is not held up by what is in use again', async () => {
      const used = ['used 1', 'used 2', 'used 3'];
      for (const text of used) {
        await put('passer', text.replace(' ', '-'), text);
        await put('passer', `${text.replace(' ', '-')}-too`, text);
        await forget('passer', text.replace(' ', '-'));
      }
      const unused = await put('passer', 'unused', 'unused behind them');
      await forget('passer', 'unused');
      expect(await blobs.collect(inHours(1), 2, bytes.remove, unhurried)).toBe(1);
      expect(await blobs.get(unused)).toBeNull();
      expect(await blobs.known(used.map((text) => contentOf(text).sha256))).toHaveProperty('size', 3);
    });

    it('ends between two blobs when it is to', async () => {
      await put('stopper', 'a', 'stopped before');
      await forget('stopper', 'a');
      const stopped = blobs.collect(inHours(1), 2, bytes.remove, AbortSignal.abort(new Error('stop')));
      await expect(stopped).rejects.toThrow('stop');
      expect(await collectAll()).toBe(1);
    });

    it('leaves what is young', async () => {
      await put('young', 'a', 'young blob');
      await forget('young', 'a');
      expect(await blobs.collect(inHours(-1), 1000, bytes.remove, unhurried)).toBe(0);
      expect(await collectAll()).toBe(1);
    });

    it('goes on when the bytes of one cannot be deleted, and finds that one again', async () => {
      const stubborn = await put('stubborn', 'a', 'stubborn');
      await put('stubborn', 'b', 'easy');
      await forget('stubborn', 'a');
      await forget('stubborn', 'b');
      const remove = async (sha256: string): Promise<void> => {
        if (sha256 === stubborn) throw new Error('the disk failed');
        await bytes.remove(sha256);
      };
      await expect(blobs.collect(inHours(1), 1000, remove, unhurried)).rejects.toThrow('the disk failed');
      expect(await blobs.known([stubborn, contentOf('easy').sha256])).toEqual(new Set([stubborn]));
      expect(await collectAll()).toBe(1);
    });

    it('is bounded, and two at once take each blob once', async () => {
      for (let i = 0; i < 12; i += 1) {
        await put('bounded', `f${i}`, `bounded ${i}`);
        await forget('bounded', `f${i}`);
      }
      const removed: string[] = [];
      const remove = async (sha256: string): Promise<void> => {
        removed.push(sha256);
        await delay(2);
        await bytes.remove(sha256);
      };
      const counts = await Promise.all(
        [blobs, otherBlobs].map((store) => store.collect(inHours(1), 5, remove, unhurried)),
      );
      expect(Math.max(...counts)).toBeLessThanOrEqual(5);
      while ((await blobs.collect(inHours(1), 5, remove, unhurried)) > 0);
      expect(removed).toHaveLength(12);
      expect(new Set(removed).size).toBe(12);
    });

    it('and an upload of the same content leave either both bytes and record or neither', async () => {
      const text = 'wanted and unwanted';
      const { sha256 } = contentOf(text);
      for (let round = 0; round < 15; round += 1) {
        const tenantId = `racer-${round}`;
        await put(tenantId, 'old', text);
        await forget(tenantId, 'old');
        // Slow disks on both sides: without the lock the bytes would go while the record is being written.
        const slowRemove = async (digest: string): Promise<void> => {
          await delay(round % 4);
          await bytes.remove(digest);
        };
        const place = async () => {
          const placed = await bytes.place(sha256)();
          await delay((round >> 1) % 4);
          return placed;
        };
        const options = { mustNotExist: false, uploadId: null };
        await Promise.all([
          blobs.collect(inHours(1), 10, slowRemove, unhurried),
          delay(round % 3).then(() => files.commit(tenantId, specOf('new'), contentOf(text), options, place)),
          otherBlobs.collect(inHours(1), 10, slowRemove, unhurried),
        ]);
        expect((await files.get(tenantId, 'new')).state).toBe('active');
        expect(await blobs.get(sha256)).not.toBeNull();
        expect(bytes.digests.has(sha256)).toBe(true);
        await forget(tenantId, 'new');
        await collectAll();
        expect(await blobs.get(sha256)).toBeNull();
        expect(bytes.digests.has(sha256)).toBe(false);
      }
    });

    it('and instant use of content that is held leave the content to its new file', async () => {
      const text = 'held and let go';
      const { sha256 } = contentOf(text);
      for (let round = 0; round < 10; round += 1) {
        const tenantId = `instant-${round}`;
        await put(tenantId, 'old', text);
        const options = { mustNotExist: false, uploadId: null };
        const [made] = await Promise.all([
          files.commitHeld(tenantId, specOf('new'), { sha256, sizeBytes: null }, options),
          forget(tenantId, 'old').then(() => blobs.collect(inHours(1), 10, bytes.remove, unhurried)),
        ]);
        // What nobody got may wait for the next collection, when this one found it locked; what somebody got is there.
        if (made !== null) {
          expect(bytes.digests.has(sha256)).toBe(true);
          expect(await blobs.get(sha256)).not.toBeNull();
          await forget(tenantId, 'new');
        }
        await collectAll();
        expect(bytes.digests.has(sha256)).toBe(false);
        expect(await blobs.get(sha256)).toBeNull();
      }
    });
  });

  describe('a digest’s lock', () => {
    it('tells whether there is a record, and keeps everyone else out', async () => {
      const sha256 = await put('locker', 'a', 'locked');
      expect(await blobs.withLock(sha256, async (known) => known)).toBe(true);
      expect(await blobs.withLock('1'.repeat(64), async (known) => known)).toBe(false);
      let inside = 0;
      let most = 0;
      const act = async (): Promise<void> => {
        inside += 1;
        most = Math.max(most, inside);
        await delay(3);
        inside -= 1;
      };
      await Promise.all(
        Array.from({ length: 8 }, (_, i) => (i % 2 ? blobs : otherBlobs).withLock(sha256, act)),
      );
      expect(most).toBe(1);
      await expect(blobs.withLock(sha256, () => Promise.reject(new Error('failed inside')))).rejects.toThrow(
        'failed inside',
      );
      expect(await blobs.withLock(sha256, async () => 'free again')).toBe('free again');
    });
  });
}
