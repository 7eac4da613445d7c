import { describe, expect, it } from 'vitest';
import type { UploadRecord } from '../../src/files/upload.ts';
import type { UploadStore } from '../../src/files/upload-store.ts';
import { contentOf, specOf } from './sample-file.ts';
import { uploadOf } from './sample-upload.ts';

export interface UploadStores {
  uploads: UploadStore;
  /** The same store in another process. */
  otherUploads: UploadStore;
  /** Makes the upload look as if nobody had touched it since `time`. */
  age(upload: UploadRecord, time: Date): Promise<void>;
  /** Completes it, as a commit of its file does. */
  complete(upload: UploadRecord): Promise<void>;
  /** What was announced since the last call; waits for at least `count`. */
  announced(count: number): Promise<unknown[]>;
}

const HOUR_MS = 3_600_000;
const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS);
const reason = (code: string, metadata?: Record<string, string>) =>
  expect.objectContaining(metadata ? { reason: code, metadata } : { reason: code });
const SHA256 = contentOf('received').sha256;

/** What every store of uploads must do. Each test works in a tenant of its own. */
export function uploadStoreContract(open: () => UploadStores): void {
  const { uploads, otherUploads, age, complete, announced } = open();
  let tenants = 0;
  const newTenant = () => `uploader-${(tenants += 1)}`;
  let ids = 0;
  const create = async (
    tenantId: string,
    changes: Parameters<typeof uploadOf>[3] = {},
  ): Promise<UploadRecord> =>
    (await uploads.create(uploadOf(tenantId, `upload-${(ids += 1)}`, specOf('a'), changes))).upload;

  describe('a new upload', () => {
    it('is found with everything that was said of it', async () => {
      const tenantId = newTenant();
      const file = specOf('a', {
        labels: { env: 'prod' },
        metadata: { deep: [1, null, { x: 'ü' }] },
        region: 'eu',
        expireTime: inHours(5),
        retainUntilTime: inHours(4),
      });
      const asked = uploadOf(tenantId, 'up', file, {
        totalSize: 2 ** 40,
        expectedSha256: SHA256,
        parallel: true,
        mustNotExist: true,
        placeOn: ['kimi', 'glm'],
      });
      const { upload, created } = await uploads.create(asked);
      expect(created).toBe(true);
      expect(upload).toMatchObject({
        ...asked,
        state: 'open',
        writerEpoch: 0,
        sha256: null,
        deduplicated: false,
      });
      expect(await otherUploads.get(tenantId, 'up')).toEqual(upload);
    });

    it('is not there for another tenant', async () => {
      const { uploadId } = await create(newTenant());
      const other = newTenant();
      const missing = reason('UPLOAD_NOT_FOUND');
      await expect(uploads.get(other, uploadId)).rejects.toThrow(missing);
      await expect(uploads.claim(other, uploadId, new Date(), false)).rejects.toThrow(missing);
      await expect(uploads.epoch(other, uploadId)).rejects.toThrow(missing);
      await expect(uploads.cancel(other, uploadId)).rejects.toThrow(missing);
      await expect(uploads.beginFinalize(other, uploadId, SHA256)).rejects.toThrow(missing);
      await expect(uploads.reopen(other, uploadId)).rejects.toThrow(missing);
    });

    it('is the first one again when its request is repeated', async () => {
      const tenantId = newTenant();
      const first = await create(tenantId, { requestId: 'r1', totalSize: 7, expireTime: inHours(1) });
      const again = uploadOf(tenantId, 'later', specOf('made-up-later', { displayName: 'a.txt' }), {
        requestId: 'r1',
        totalSize: 7,
        expireTime: inHours(2),
      });
      expect(await otherUploads.create(again)).toEqual({ upload: first, created: false });
      const different = [
        { totalSize: 8 },
        { parallel: true },
        { mustNotExist: true },
        { expectedSha256: SHA256 },
        { placeOn: ['x'] },
      ];
      for (const change of different) {
        await expect(uploads.create({ ...again, ...change })).rejects.toThrow(reason('FIELD_INVALID'));
      }
      const file = specOf('a', { labels: { other: 'file' } });
      await expect(uploads.create({ ...again, file })).rejects.toThrow(reason('FIELD_INVALID'));
      expect((await uploads.create({ ...again, tenantId: newTenant() })).created).toBe(true);
    });

    it('is made once when the same request comes many times at once', async () => {
      const tenantId = newTenant();
      const all = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          (i % 2 ? otherUploads : uploads).create(
            uploadOf(tenantId, `racer-${tenantId}-${i}`, specOf(`f${i}`, { displayName: 'same' }), {
              requestId: 'r',
            }),
          ),
        ),
      );
      expect(all.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(all.map(({ upload }) => upload.uploadId)).size).toBe(1);
    });
  });

  describe('a list of uploads', () => {
    it('has each once, newest first, in pages', async () => {
      const tenantId = newTenant();
      const made: string[] = [];
      for (let i = 0; i < 7; i += 1) made.push((await create(tenantId)).uploadId);
      const listed: string[] = [];
      let after: { createTime: Date; uploadId: string } | null = null;
      do {
        const page: Awaited<ReturnType<UploadStore['list']>> = await uploads.list(tenantId, 3, after);
        listed.push(...page.uploads.map((upload) => upload.uploadId));
        after = page.next;
      } while (after !== null);
      expect(listed.toSorted()).toEqual(made.toSorted());
      expect(await uploads.list(newTenant(), 3, null)).toEqual({ uploads: [], next: null });
    });
  });

  describe('a claim', () => {
    it('makes the claimant the newest writer and is announced', async () => {
      const tenantId = newTenant();
      const { uploadId } = await create(tenantId);
      await announced(0);
      expect((await uploads.claim(tenantId, uploadId, new Date(), false)).writerEpoch).toBe(1);
      expect((await otherUploads.claim(tenantId, uploadId, new Date(), true)).writerEpoch).toBe(2);
      expect(await uploads.epoch(tenantId, uploadId)).toBe(2);
      expect(await announced(2)).toEqual([
        { tenantId, uploadId, epoch: 1, alone: false },
        { tenantId, uploadId, epoch: 2, alone: true },
      ]);
    });

    it('gives each of many claimants an epoch of its own', async () => {
      const tenantId = newTenant();
      const { uploadId } = await create(tenantId);
      const claims = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          (i % 2 ? otherUploads : uploads).claim(tenantId, uploadId, new Date(), false),
        ),
      );
      const epochs = claims.map((claim) => claim.writerEpoch).toSorted((a, b) => a - b);
      expect(epochs).toEqual(Array.from({ length: 10 }, (_, i) => i + 1));
      expect(await uploads.epoch(tenantId, uploadId)).toBe(10);
    });

    it('of an upload that is being finalised, or is complete, changes nothing', async () => {
      const tenantId = newTenant();
      const upload = await create(tenantId);
      const finalizing = await uploads.beginFinalize(tenantId, upload.uploadId, SHA256);
      expect(await uploads.claim(tenantId, upload.uploadId, new Date(), false)).toEqual(finalizing);
      await complete(upload);
      const completed = await uploads.claim(tenantId, upload.uploadId, new Date(), false);
      expect(completed).toMatchObject({ state: 'completed', writerEpoch: 0 });
    });

    it('of one that ended is refused, and told why', async () => {
      const tenantId = newTenant();
      const claim = (upload: UploadRecord, now = new Date()) =>
        uploads.claim(tenantId, upload.uploadId, now, false);
      const late = await create(tenantId);
      const time = late.expireTime.toISOString();
      await expect(claim(late, late.expireTime)).rejects.toThrow(reason('UPLOAD_EXPIRED', { time }));
      const cancelled = await create(tenantId);
      await uploads.cancel(tenantId, cancelled.uploadId);
      await expect(claim(cancelled)).rejects.toThrow(reason('UPLOAD_CLOSED', { state: 'cancelled' }));
      const failed = await create(tenantId);
      await uploads.fail(tenantId, failed.uploadId, { reason: 'DIGEST_MISMATCH', message: 'no' });
      await expect(claim(failed)).rejects.toThrow(reason('UPLOAD_CLOSED', { state: 'failed' }));
    });
  });

  describe('finalising', () => {
    it('remembers what was received, goes on and goes back', async () => {
      const tenantId = newTenant();
      const { uploadId } = await create(tenantId);
      expect(await uploads.beginFinalize(tenantId, uploadId, SHA256)).toMatchObject({
        state: 'finalizing',
        sha256: SHA256,
      });
      expect(await uploads.beginFinalize(tenantId, uploadId, SHA256)).toMatchObject({
        state: 'finalizing',
        sha256: SHA256,
      });
      expect(await uploads.reopen(tenantId, uploadId)).toMatchObject({ state: 'open', sha256: null });
      expect(await uploads.reopen(tenantId, uploadId)).toMatchObject({ state: 'open' });
      expect((await uploads.claim(tenantId, uploadId, new Date(), false)).writerEpoch).toBe(1);
    });

    it('of a complete upload changes nothing', async () => {
      const tenantId = newTenant();
      const upload = await create(tenantId);
      await complete(upload);
      const completed = await uploads.get(tenantId, upload.uploadId);
      expect(await uploads.beginFinalize(tenantId, upload.uploadId, '0'.repeat(64))).toEqual(completed);
      expect(await uploads.reopen(tenantId, upload.uploadId)).toEqual(completed);
      await uploads.fail(tenantId, upload.uploadId, { reason: 'INTERNAL', message: 'too late' });
      expect(await uploads.get(tenantId, upload.uploadId)).toEqual(completed);
    });

    it('of one that ended is refused', async () => {
      const tenantId = newTenant();
      const { uploadId } = await create(tenantId);
      await uploads.cancel(tenantId, uploadId);
      await expect(uploads.beginFinalize(tenantId, uploadId, SHA256)).rejects.toThrow(
        reason('UPLOAD_CLOSED'),
      );
    });

    it('that was left behind is found once, by one of those who look', async () => {
      const tenantId = newTenant();
      const left = await Promise.all(Array.from({ length: 6 }, () => create(tenantId)));
      const busy = await create(tenantId);
      for (const { uploadId } of [...left, busy]) await uploads.beginFinalize(tenantId, uploadId, SHA256);
      for (const upload of left) await age(upload, inHours(-1));
      const found = await Promise.all(
        [uploads, otherUploads, uploads, otherUploads].map((store) => store.stuck(inHours(-0.5), 4)),
      );
      found.push(await uploads.stuck(inHours(-0.5), 100));
      const foundIds = found.flat().map((upload) => upload.uploadId);
      expect(foundIds.toSorted()).toEqual(left.map((upload) => upload.uploadId).toSorted());
    });
  });

  describe('an upload that failed', () => {
    it('says why', async () => {
      const tenantId = newTenant();
      const { uploadId } = await create(tenantId);
      const error = { reason: 'DIGEST_MISMATCH', message: 'It differs.' };
      await uploads.fail(tenantId, uploadId, error);
      await uploads.fail(tenantId, uploadId, { reason: 'INTERNAL', message: 'later' });
      expect(await uploads.get(tenantId, uploadId)).toMatchObject({ state: 'failed', error });
    });
  });

  describe('a cancelled upload', () => {
    it('is cancelled as often as wanted, and those who write to it hear of it', async () => {
      const tenantId = newTenant();
      const { uploadId } = await create(tenantId);
      await uploads.claim(tenantId, uploadId, new Date(), false);
      await announced(1);
      await uploads.cancel(tenantId, uploadId);
      await otherUploads.cancel(tenantId, uploadId);
      expect(await uploads.get(tenantId, uploadId)).toMatchObject({ state: 'cancelled', writerEpoch: 2 });
      expect(await announced(1)).toEqual([{ tenantId, uploadId, epoch: 2, alone: true }]);
    });

    it('was not complete', async () => {
      const tenantId = newTenant();
      const upload = await create(tenantId);
      await complete(upload);
      await expect(uploads.cancel(tenantId, upload.uploadId)).rejects.toThrow(
        reason('UPLOAD_CLOSED', { state: 'completed' }),
      );
    });
  });

  describe('a sweep', () => {
    it('marks uploads that are past their time, once, in batches, and leaves those being finalised', async () => {
      const tenantId = newTenant();
      const old = await Promise.all(
        Array.from({ length: 6 }, () => create(tenantId, { expireTime: inHours(-1) })),
      );
      const finalizing = await create(tenantId, { expireTime: inHours(-1) });
      await uploads.beginFinalize(tenantId, finalizing.uploadId, SHA256);
      await create(tenantId);
      const marked = await Promise.all([uploads, otherUploads].map((store) => store.expire(new Date(), 2)));
      marked.push(await uploads.expire(new Date(), 100));
      const markedIds = marked.flat().map((upload) => upload.uploadId);
      expect(marked[0]?.length).toBeLessThanOrEqual(2);
      expect(markedIds.toSorted()).toEqual(old.map((upload) => upload.uploadId).toSorted());
      expect(marked.flat().every((upload) => upload.state === 'expired')).toBe(true);
      await expect(uploads.claim(tenantId, markedIds[0] as string, new Date(), false)).rejects.toThrow(
        reason('UPLOAD_EXPIRED'),
      );
    });

    it('forgets uploads that ended long ago', async () => {
      const tenantId = newTenant();
      const [ended, recent, running] = [
        await create(tenantId),
        await create(tenantId),
        await create(tenantId),
      ];
      await uploads.cancel(tenantId, ended.uploadId);
      await uploads.cancel(tenantId, recent.uploadId);
      await age(ended, inHours(-48));
      await age(running, inHours(-48));
      const forgotten = await uploads.forget(inHours(-24), 100);
      expect(forgotten.map((upload) => upload.uploadId)).toEqual([ended.uploadId]);
      const asked = [ended, recent, running].map((upload) => upload.uploadId);
      expect(await uploads.known([...asked, 'never'])).toEqual(new Set([recent.uploadId, running.uploadId]));
    });
  });
}
