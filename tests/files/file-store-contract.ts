import { describe, expect, it } from 'vitest';
import type { BlobRecordStore } from '../../src/blobs/blob-record-store.ts';
import type { FileStore } from '../../src/files/file-store.ts';
import type { FileRecord, FileSpec } from '../../src/files/file.ts';
import type { UploadStore } from '../../src/files/upload-store.ts';
import { contentOf, PlacedBytes, specOf } from './sample-file.ts';
import { uploadOf } from './sample-upload.ts';

export interface FileStores {
  files: FileStore;
  /** The same store in another process. */
  otherFiles: FileStore;
  blobs: BlobRecordStore;
  uploads: UploadStore;
}

const HOUR_MS = 3_600_000;
const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS);
const reason = (code: string, metadata?: Record<string, string>) =>
  expect.objectContaining(
    metadata ? { reason: code, metadata: expect.objectContaining(metadata) } : { reason: code },
  );

/** What every store of file records must do. Each test works in a tenant of its own. */
export function fileStoreContract(open: () => FileStores): void {
  const { files, otherFiles, blobs, uploads } = open();
  const bytes = new PlacedBytes();
  let tenants = 0;
  const newTenant = () => `tenant-${(tenants += 1)}`;

  const put = (tenantId: string, spec: FileSpec, text: string, mustNotExist = false, store = files) => {
    const content = contentOf(text);
    return store.commit(
      tenantId,
      spec,
      content,
      { mustNotExist, uploadId: null },
      bytes.place(content.sha256),
    );
  };
  const remove = (tenantId: string, fileId: string, purgeTime = inHours(1)) =>
    files.delete(tenantId, fileId, { etag: null, allowMissing: false, purgeTime });

  describe('a committed file', () => {
    it('is found with everything that was said of it', async () => {
      const tenantId = newTenant();
      const spec = specOf('a', {
        displayName: 'reports/ä.txt',
        labels: { env: 'prod', 'a.b': 'ü' },
        metadata: { deep: [{ x: 1.5 }, null], text: 'ü' },
        region: 'eu',
        expireTime: inHours(10),
        retainUntilTime: inHours(2),
      });
      const { file, deduplicated } = await put(tenantId, spec, 'everything');
      expect(file).toMatchObject({
        ...spec,
        tenantId,
        sha256: contentOf('everything').sha256,
        sizeBytes: 10,
      });
      expect(file).toMatchObject({ state: 'active', accessCount: 0, accessTime: null, deleteTime: null });
      expect(file.etag).toMatch(/^[0-9a-f]{32}$/);
      expect(deduplicated).toBe(false);
      expect(await files.get(tenantId, 'a')).toEqual(file);
      expect(await otherFiles.get(tenantId, 'a')).toEqual(file);
    });

    it('is not there for another tenant, by name or by digest', async () => {
      const [tenantId, other] = [newTenant(), newTenant()];
      const { file } = await put(tenantId, specOf('secret'), 'a secret');
      await expect(files.get(other, 'secret')).rejects.toThrow(reason('FILE_NOT_FOUND'));
      expect(await files.findByDigest(other, file.sha256)).toBeNull();
      expect(await files.findByDigest(tenantId, file.sha256)).toEqual(file);
      const digest = { sha256: file.sha256, sizeBytes: file.sizeBytes };
      expect(await files.missingDigests(other, [digest])).toEqual(new Set([file.sha256]));
      expect(
        await files.commitHeld(other, specOf('stolen'), digest, { mustNotExist: false, uploadId: null }),
      ).toBeNull();
      const { files: listed } = await files.list({ ...newestFirst(other), pageSize: 10 });
      expect(listed).toEqual([]);
    });

    it('replaces the one of its name, which keeps its time of creation and its count', async () => {
      const tenantId = newTenant();
      const { file: first } = await put(tenantId, specOf('a', { labels: { v: '1' } }), 'first');
      await files.recordAccess([{ tenantId, fileId: 'a', count: 3, lastTime: new Date() }]);
      const { file: second } = await put(tenantId, specOf('a', { displayName: 'b' }), 'second');
      expect(second).toMatchObject({
        displayName: 'b',
        labels: {},
        accessCount: 3,
        createTime: first.createTime,
      });
      expect(second.etag).not.toBe(first.etag);
      expect(second.sha256).toBe(contentOf('second').sha256);
      expect(await files.findByDigest(tenantId, first.sha256)).toBeNull();
    });

    it('does not replace one that must not exist, and places no bytes for it', async () => {
      const tenantId = newTenant();
      await put(tenantId, specOf('a'), 'there first');
      await expect(put(tenantId, specOf('a'), 'too late', true)).rejects.toThrow(reason('ALREADY_EXISTS'));
      expect(bytes.digests.has(contentOf('too late').sha256)).toBe(false);
    });

    it('does not replace one under retention', async () => {
      const tenantId = newTenant();
      const retainUntilTime = inHours(1);
      await put(tenantId, specOf('a', { retainUntilTime }), 'kept');
      await expect(put(tenantId, specOf('a'), 'not taken')).rejects.toThrow(
        reason('RETENTION_ACTIVE', { until: retainUntilTime.toISOString() }),
      );
      expect(bytes.digests.has(contentOf('not taken').sha256)).toBe(false);
      await put(tenantId, specOf('b', { retainUntilTime: inHours(-1) }), 'kept long enough');
      await put(tenantId, specOf('b'), 'taken');
    });

    it('may have the id of a deleted one, of which nothing is left', async () => {
      const tenantId = newTenant();
      const { file: first } = await put(tenantId, specOf('a'), 'old');
      await files.recordAccess([{ tenantId, fileId: 'a', count: 3, lastTime: new Date() }]);
      await remove(tenantId, 'a');
      await pause();
      const { file } = await put(tenantId, specOf('a'), 'new', true);
      expect(file).toMatchObject({
        state: 'active',
        accessCount: 0,
        accessTime: null,
        deleteTime: null,
        purgeTime: null,
      });
      expect(file.createTime.getTime()).toBeGreaterThan(first.createTime.getTime());
    });

    it('of content that is here already is deduplicated and counted', async () => {
      const [tenantId, other] = [newTenant(), newTenant()];
      const text = 'offered three times';
      const { sha256, sizeBytes } = contentOf(text);
      expect((await put(tenantId, specOf('a'), text)).deduplicated).toBe(false);
      expect((await put(other, specOf('a'), text)).deduplicated).toBe(true);
      expect((await blobs.get(sha256))?.duplicateCount).toBe(1);
      const held = await files.commitHeld(other, specOf('b'), { sha256, sizeBytes: null }, commitNew());
      expect(held).toMatchObject({ fileId: 'b', sha256, sizeBytes });
      expect((await blobs.get(sha256))?.duplicateCount).toBe(2);
    });

    it('of bytes that were there without a record is no duplicate', async () => {
      const { sha256 } = contentOf('left behind');
      bytes.digests.add(sha256);
      expect((await put(newTenant(), specOf('a'), 'left behind')).deduplicated).toBe(false);
      expect((await blobs.get(sha256))?.duplicateCount).toBe(0);
    });

    it('is not there when its bytes could not be placed', async () => {
      const tenantId = newTenant();
      const content = contentOf('never on disk');
      const place = () => Promise.reject(new Error('the disk is full'));
      await expect(files.commit(tenantId, specOf('a'), content, commitNew(), place)).rejects.toThrow(
        'the disk is full',
      );
      await expect(files.get(tenantId, 'a')).rejects.toThrow(reason('FILE_NOT_FOUND'));
      expect(await blobs.get(content.sha256)).toBeNull();
    });

    it('is made once when two make it at the same time', async () => {
      const tenantId = newTenant();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) =>
          put(tenantId, specOf('raced'), `contender ${i}`, true, i % 2 ? otherFiles : files),
        ),
      );
      const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      expect(winners).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toHaveProperty('reason', 'ALREADY_EXISTS');
      }
      expect(await files.get(tenantId, 'raced')).toEqual(winners[0]?.value.file);
    });

    it('that replaces one while others do leaves one of them', async () => {
      const tenantId = newTenant();
      const all = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          put(tenantId, specOf('raced'), `version ${i}`, false, i % 2 ? otherFiles : files),
        ),
      );
      const left = await files.get(tenantId, 'raced');
      expect(all.map(({ file }) => file)).toContainEqual(left);
      expect(new Set(all.map(({ file }) => file.etag)).size).toBe(8);
      expect(new Set(all.map(({ file }) => file.createTime.getTime())).size).toBe(1);
    });

    it('is stored once when many bring the same content at the same time', async () => {
      const tenantId = newTenant();
      const all = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          put(tenantId, specOf(`copy-${i}`), 'same bytes', true, i % 2 ? otherFiles : files),
        ),
      );
      expect(all.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
      expect((await blobs.get(contentOf('same bytes').sha256))?.duplicateCount).toBe(7);
    });
  });

  describe('content that is held already', () => {
    it('makes a file only when digest and size are right and the content is good', async () => {
      const tenantId = newTenant();
      const { sha256, sizeBytes } = contentOf('held');
      await put(tenantId, specOf('a'), 'held');
      const held = (digest: { sha256: string; sizeBytes: number | null }) =>
        files.commitHeld(tenantId, specOf('b'), digest, commitNew());
      expect(await held({ sha256, sizeBytes: sizeBytes + 1 })).toBeNull();
      expect(await held({ sha256: '0'.repeat(64), sizeBytes: null })).toBeNull();
      await files.setQuarantine(sha256, true);
      expect(await held({ sha256, sizeBytes })).toBeNull();
      await files.setQuarantine(sha256, false);
      expect(await held({ sha256, sizeBytes })).toMatchObject({ fileId: 'b' });
      await expect(
        files.commitHeld(
          tenantId,
          specOf('b'),
          { sha256, sizeBytes },
          { mustNotExist: true, uploadId: null },
        ),
      ).rejects.toThrow(reason('ALREADY_EXISTS'));
    });

    it('is not held by a deleted file', async () => {
      const tenantId = newTenant();
      const { file } = await put(tenantId, specOf('a'), 'held no longer');
      await remove(tenantId, 'a');
      expect(
        await files.commitHeld(tenantId, specOf('b'), { sha256: file.sha256, sizeBytes: null }, commitNew()),
      ).toBeNull();
      expect(await files.findByDigest(tenantId, file.sha256)).toBeNull();
      expect(await files.missingDigests(tenantId, [file])).toEqual(new Set([file.sha256]));
    });

    it('is told from what is missing, digest by digest', async () => {
      const tenantId = newTenant();
      const { file } = await put(tenantId, specOf('a'), 'present');
      const absent = contentOf('absent');
      const asked = [file, absent, { sha256: file.sha256, sizeBytes: null }];
      expect(await files.missingDigests(tenantId, asked)).toEqual(new Set([absent.sha256]));
      const wrongSize = { sha256: file.sha256, sizeBytes: file.sizeBytes + 1 };
      expect(await files.missingDigests(tenantId, [wrongSize])).toEqual(new Set([file.sha256]));
      expect(await files.missingDigests(tenantId, [])).toEqual(new Set());
    });

    it('is found in the oldest file that has it', async () => {
      const tenantId = newTenant();
      const { file: oldest } = await put(tenantId, specOf('z'), 'twice here');
      await pause();
      await put(tenantId, specOf('a'), 'twice here');
      expect(await files.findByDigest(tenantId, oldest.sha256)).toEqual(oldest);
    });
  });

  describe('an upload that becomes a file', () => {
    const commitUpload = (tenantId: string, uploadId: string, text: string, store = files) => {
      const content = contentOf(text);
      return store.commit(
        tenantId,
        specOf('from-upload'),
        content,
        { mustNotExist: true, uploadId },
        bytes.place(content.sha256),
      );
    };

    it('is completed with it, and gives the same file when it is finished twice', async () => {
      const tenantId = newTenant();
      const { uploadId } = (await uploads.create(uploadOf(tenantId, 'up', specOf('from-upload')))).upload;
      await uploads.beginFinalize(tenantId, uploadId, contentOf('uploaded').sha256);
      const first = await commitUpload(tenantId, uploadId, 'uploaded');
      expect(await uploads.get(tenantId, uploadId)).toMatchObject({
        state: 'completed',
        sha256: contentOf('uploaded').sha256,
        deduplicated: false,
      });
      expect(await commitUpload(tenantId, uploadId, 'uploaded', otherFiles)).toEqual(first);
    });

    it('needs no bytes when the content is held', async () => {
      const tenantId = newTenant();
      const { file } = await put(tenantId, specOf('a'), 'held before');
      await uploads.create(uploadOf(tenantId, 'instant', specOf('b')));
      const made = await files.commitHeld(tenantId, specOf('b'), file, {
        mustNotExist: true,
        uploadId: 'instant',
      });
      expect(await uploads.get(tenantId, 'instant')).toMatchObject({
        state: 'completed',
        deduplicated: true,
      });
      const again = await files.commitHeld(tenantId, specOf('b'), file, {
        mustNotExist: true,
        uploadId: 'instant',
      });
      expect(again).toEqual(made);
    });

    it('is none when it was cancelled, failed or is not there', async () => {
      const tenantId = newTenant();
      await uploads.create(uploadOf(tenantId, 'gone', specOf('from-upload')));
      await uploads.cancel(tenantId, 'gone');
      await expect(commitUpload(tenantId, 'gone', 'of no use')).rejects.toThrow(reason('UPLOAD_CLOSED'));
      await expect(commitUpload(tenantId, 'nowhere', 'of no use')).rejects.toThrow(
        reason('UPLOAD_NOT_FOUND'),
      );
      await expect(files.get(tenantId, 'from-upload')).rejects.toThrow(reason('FILE_NOT_FOUND'));
    });
  });

  describe('several files', () => {
    it('come in the order asked, all or none', async () => {
      const tenantId = newTenant();
      for (const id of ['a', 'b', 'c']) await put(tenantId, specOf(id), id);
      const found = await files.getMany(tenantId, ['c', 'a', 'c']);
      expect(found.map((file) => file.fileId)).toEqual(['c', 'a', 'c']);
      await expect(files.getMany(tenantId, ['a', 'x', 'y'])).rejects.toThrow(
        reason('FILE_NOT_FOUND', { name: `tenants/${tenantId}/files/x` }),
      );
      expect(await files.getMany(tenantId, [])).toEqual([]);
    });

    it('are deleted all or none', async () => {
      const tenantId = newTenant();
      for (const id of ['a', 'b']) await put(tenantId, specOf(id), id);
      await put(tenantId, specOf('kept', { retainUntilTime: inHours(1) }), 'kept');
      await expect(files.deleteMany(tenantId, ['a', 'x'], inHours(1))).rejects.toThrow(
        reason('FILE_NOT_FOUND'),
      );
      await expect(files.deleteMany(tenantId, ['a', 'kept'], inHours(1))).rejects.toThrow(
        reason('RETENTION_ACTIVE'),
      );
      expect((await files.get(tenantId, 'a')).state).toBe('active');
      const deleted = await files.deleteMany(tenantId, ['b', 'a'], inHours(1));
      expect(deleted.map(({ fileId, state }) => [fileId, state])).toEqual([
        ['b', 'deleted'],
        ['a', 'deleted'],
      ]);
      await expect(files.deleteMany(tenantId, ['a'], inHours(1))).rejects.toThrow(reason('FILE_NOT_FOUND'));
    });

    it('are deleted by two at once without waiting for each other for ever', async () => {
      const tenantId = newTenant();
      const ids = Array.from({ length: 20 }, (_, i) => `f${i}`);
      for (const id of ids) await put(tenantId, specOf(id), id);
      const outcomes = await Promise.allSettled([
        files.deleteMany(tenantId, ids, inHours(1)),
        otherFiles.deleteMany(tenantId, ids.toReversed(), inHours(1)),
      ]);
      expect(outcomes.map((outcome) => outcome.status).toSorted()).toEqual(['fulfilled', 'rejected']);
    });
  });

  describe('an update', () => {
    it('changes what it names and the etag, and nothing else', async () => {
      const tenantId = newTenant();
      const spec = specOf('a', { labels: { x: '1' }, metadata: { y: 2 }, expireTime: inHours(1) });
      const { file } = await put(tenantId, spec, 'to be updated');
      await pause();
      const renamed = await files.update(tenantId, 'a', { displayName: 'new' }, file.etag);
      const { etag, updateTime } = renamed;
      expect(renamed).toEqual({ ...file, displayName: 'new', etag, updateTime });
      expect(updateTime.getTime()).toBeGreaterThan(file.updateTime.getTime());
      expect(etag).not.toBe(file.etag);
      const changes = { labels: {}, metadata: { z: [1] }, expireTime: null, mediaType: 'text/csv' };
      expect(await files.update(tenantId, 'a', changes, null)).toMatchObject(changes);
    });

    it('with a stale etag is refused, and told the one in force', async () => {
      const tenantId = newTenant();
      const { file } = await put(tenantId, specOf('a'), 'etag');
      const { etag } = await files.update(tenantId, 'a', { displayName: 'x' }, file.etag);
      await expect(files.update(tenantId, 'a', { displayName: 'y' }, file.etag)).rejects.toThrow(
        reason('ETAG_MISMATCH', { etag }),
      );
    });

    it('by two at once with the same etag is done by one', async () => {
      const tenantId = newTenant();
      const { file } = await put(tenantId, specOf('a'), 'contended');
      const outcomes = await Promise.allSettled(
        [files, otherFiles, files, otherFiles].map((store, i) =>
          store.update(tenantId, 'a', { displayName: `winner ${i}` }, file.etag),
        ),
      );
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    });

    it('may make a retention longer and never shorter', async () => {
      const tenantId = newTenant();
      await put(tenantId, specOf('a', { retainUntilTime: inHours(2) }), 'retained');
      const change = (retainUntilTime: Date | null) => files.update(tenantId, 'a', { retainUntilTime }, null);
      await expect(change(inHours(1))).rejects.toThrow(reason('RETENTION_ACTIVE'));
      await expect(change(null)).rejects.toThrow(reason('RETENTION_ACTIVE'));
      const longer = inHours(3);
      expect((await change(longer)).retainUntilTime).toEqual(longer);
      await files.update(tenantId, 'a', { displayName: 'renamed under retention' }, null);
    });

    it('of a deleted or missing file finds nothing', async () => {
      const tenantId = newTenant();
      await put(tenantId, specOf('a'), 'a');
      await remove(tenantId, 'a');
      for (const id of ['a', 'never']) {
        await expect(files.update(tenantId, id, { displayName: 'x' }, null)).rejects.toThrow(
          reason('FILE_NOT_FOUND'),
        );
      }
    });
  });

  describe('a deleted file', () => {
    it('is there until it is purged, and can come back until then', async () => {
      const tenantId = newTenant();
      const { file } = await put(tenantId, specOf('a'), 'to and fro');
      const purgeTime = inHours(5);
      const deleted = await remove(tenantId, 'a', purgeTime);
      expect(deleted).toMatchObject({ state: 'deleted', purgeTime });
      expect(deleted?.deleteTime).toBeInstanceOf(Date);
      expect(deleted?.etag).not.toBe(file.etag);
      expect(await files.get(tenantId, 'a')).toEqual(deleted);
      const back = await files.undelete(tenantId, 'a', deleted?.etag ?? '');
      expect(back).toMatchObject({
        state: 'active',
        deleteTime: null,
        purgeTime: null,
        createTime: file.createTime,
      });
      await expect(files.undelete(tenantId, 'a', null)).rejects.toThrow(reason('ALREADY_EXISTS'));
      await expect(files.undelete(tenantId, 'never', null)).rejects.toThrow(reason('FILE_NOT_FOUND'));
    });

    it('is deleted once, or as often as wanted', async () => {
      const tenantId = newTenant();
      await put(tenantId, specOf('a'), 'once');
      await remove(tenantId, 'a');
      await expect(remove(tenantId, 'a')).rejects.toThrow(reason('FILE_NOT_FOUND'));
      const options = { etag: 'any', allowMissing: true, purgeTime: inHours(1) };
      expect(await files.delete(tenantId, 'a', options)).toBeNull();
      expect(await files.delete(tenantId, 'never', options)).toBeNull();
    });

    it('had the etag that was given, and no retention', async () => {
      const tenantId = newTenant();
      await put(tenantId, specOf('a', { retainUntilTime: inHours(1) }), 'guarded');
      const options = { allowMissing: true, purgeTime: inHours(1) };
      await expect(files.delete(tenantId, 'a', { ...options, etag: 'x' })).rejects.toThrow(
        reason('ETAG_MISMATCH'),
      );
      await expect(files.delete(tenantId, 'a', { ...options, etag: null })).rejects.toThrow(
        reason('RETENTION_ACTIVE'),
      );
    });

    it('comes back without an expiry that has passed, and quarantined when its content went bad', async () => {
      const tenantId = newTenant();
      const { file } = await put(tenantId, specOf('a', { expireTime: inHours(-1) }), 'went bad');
      await remove(tenantId, 'a');
      await blobs.recordVerification(file.sha256, [0], new Date());
      await files.setQuarantine(file.sha256, true);
      expect((await files.get(tenantId, 'a')).state).toBe('deleted');
      expect(await files.undelete(tenantId, 'a', null)).toMatchObject({
        state: 'quarantined',
        expireTime: null,
      });
    });
  });

  describe('a copy', () => {
    it('has the same content under another name, and no retention', async () => {
      const [tenantId, other] = [newTenant(), newTenant()];
      const spec = specOf('a', { labels: { x: '1' }, expireTime: inHours(4), retainUntilTime: inHours(3) });
      const { file } = await put(tenantId, spec, 'copied');
      await pause();
      const copy = await files.copy({ tenantId, fileId: 'a' }, { tenantId: other, fileId: 'b' });
      expect(copy).toMatchObject({
        ...spec,
        tenantId: other,
        fileId: 'b',
        retainUntilTime: null,
        sha256: file.sha256,
      });
      expect(copy.etag).not.toBe(file.etag);
      expect(copy.createTime.getTime()).toBeGreaterThan(file.createTime.getTime());
      expect(await files.get(tenantId, 'a')).toEqual(file);
    });

    it('has a source that is there and a name that is free', async () => {
      const tenantId = newTenant();
      const copy = (from: string, to: string) =>
        files.copy({ tenantId, fileId: from }, { tenantId, fileId: to });
      await put(tenantId, specOf('a'), 'a');
      await put(tenantId, specOf('b'), 'b');
      await expect(copy('never', 'c')).rejects.toThrow(reason('FILE_NOT_FOUND'));
      await expect(copy('a', 'b')).rejects.toThrow(reason('ALREADY_EXISTS'));
      await expect(copy('a', 'a')).rejects.toThrow(reason('ALREADY_EXISTS'));
      await remove(tenantId, 'b');
      await expect(copy('b', 'c')).rejects.toThrow(reason('FILE_NOT_FOUND'));
      expect((await copy('a', 'b')).sha256).toBe(contentOf('a').sha256);
    });
  });

  describe('a sweep', () => {
    it('deletes files whose expiry has passed, in batches, and leaves those under retention', async () => {
      const tenantId = newTenant();
      const passed = { expireTime: inHours(-2) };
      for (const id of ['a', 'b', 'c']) await put(tenantId, specOf(id, passed), id);
      await put(tenantId, specOf('kept', { ...passed, retainUntilTime: inHours(1) }), 'kept');
      await put(tenantId, specOf('later', { expireTime: inHours(1) }), 'later');
      const purgeTime = inHours(7);
      expect(await files.expire(new Date(), purgeTime, 2)).toBe(2);
      expect(await files.expire(new Date(), purgeTime, 100)).toBe(1);
      expect(await files.expire(new Date(), purgeTime, 100)).toBe(0);
      const states = await statesOf(tenantId, ['a', 'b', 'c', 'kept', 'later']);
      expect(states).toEqual(['deleted', 'deleted', 'deleted', 'active', 'active']);
      expect((await files.get(tenantId, 'a')).purgeTime).toEqual(purgeTime);
    });

    it('forgets deleted files whose grace has passed, in batches', async () => {
      const tenantId = newTenant();
      for (const id of ['a', 'b', 'c', 'd']) await put(tenantId, specOf(id), id);
      for (const id of ['a', 'b', 'c']) await remove(tenantId, id, inHours(-1));
      await remove(tenantId, 'd', inHours(1));
      expect(await files.purge(new Date(), 2)).toBe(2);
      expect(await files.purge(new Date(), 100)).toBe(1);
      await expect(files.get(tenantId, 'a')).rejects.toThrow(reason('FILE_NOT_FOUND'));
      expect((await files.get(tenantId, 'd')).state).toBe('deleted');
    });

    it('by two at once takes each file once', async () => {
      const tenantId = newTenant();
      for (let i = 0; i < 20; i += 1) {
        await put(tenantId, specOf(`f${i}`), 'shared by many');
        await remove(tenantId, `f${i}`, inHours(-1));
      }
      const counts = await Promise.all(
        [files, otherFiles, files, otherFiles].map((store) => store.purge(new Date(), 7)),
      );
      let left = 0;
      for (let purged = 1; purged > 0; left += purged) purged = await files.purge(new Date(), 7);
      expect(counts.reduce((sum, count) => sum + count, left)).toBe(20);
    });
  });

  describe('the content of several files', () => {
    it('is quarantined and freed in all of them, but for deleted ones', async () => {
      const [tenantId, other] = [newTenant(), newTenant()];
      const { sha256 } = (await put(tenantId, specOf('a'), 'suspect')).file;
      await put(other, specOf('b'), 'suspect');
      await put(other, specOf('gone'), 'suspect');
      await remove(other, 'gone');
      expect(await files.setQuarantine(sha256, true)).toBe(2);
      expect(await files.setQuarantine(sha256, true)).toBe(0);
      expect(await statesOf(tenantId, ['a'])).toEqual(['quarantined']);
      expect(await statesOf(other, ['b', 'gone'])).toEqual(['quarantined', 'deleted']);
      expect(await files.setQuarantine(sha256, false)).toBe(2);
      expect(await statesOf(other, ['b', 'gone'])).toEqual(['active', 'deleted']);
    });

    it('is good again when somebody brings a good copy', async () => {
      const [tenantId, other] = [newTenant(), newTenant()];
      const { sha256 } = (await put(tenantId, specOf('a'), 'healed')).file;
      await blobs.recordVerification(sha256, [0, 3], new Date());
      await files.setQuarantine(sha256, true);
      await bytes.remove(sha256);
      expect((await put(other, specOf('b'), 'healed')).deduplicated).toBe(false);
      expect(await statesOf(tenantId, ['a'])).toEqual(['active']);
      expect(await blobs.get(sha256)).toMatchObject({ state: 'active', badChunks: [] });
    });
  });

  describe('reads', () => {
    it('are added up and change neither etag nor time of update', async () => {
      const tenantId = newTenant();
      const { file } = await put(tenantId, specOf('a'), 'read often');
      const [early, late] = [inHours(-2), inHours(-1)];
      await files.recordAccess([
        { tenantId, fileId: 'a', count: 2, lastTime: late },
        { tenantId, fileId: 'never', count: 1, lastTime: late },
        { tenantId, fileId: 'a', count: 1, lastTime: early },
      ]);
      await files.recordAccess([{ tenantId, fileId: 'a', count: 1, lastTime: early }]);
      await files.recordAccess([]);
      expect(await files.get(tenantId, 'a')).toEqual({ ...file, accessCount: 4, accessTime: late });
    });

    it('are all counted when several processes write them down', async () => {
      const tenantId = newTenant();
      const ids = Array.from({ length: 10 }, (_, i) => `f${i}`);
      for (const id of ids) await put(tenantId, specOf(id), id);
      const reads = (order: string[]) =>
        order.map((fileId) => ({ tenantId, fileId, count: 1, lastTime: new Date() }));
      await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          (i % 2 ? otherFiles : files).recordAccess(reads(i % 3 ? ids : ids.toReversed())),
        ),
      );
      for (const id of ids) expect((await files.get(tenantId, id)).accessCount).toBe(12);
    });

    it('of more files than fit into one statement are all counted', async () => {
      const tenantId = newTenant();
      await put(tenantId, specOf('a'), 'last of many');
      const reads = Array.from({ length: 2500 }, (_, i) => ({
        tenantId,
        fileId: i % 1000 === 999 ? 'a' : `never-${i}`,
        count: 1,
        lastTime: new Date(),
      }));
      await files.recordAccess(reads);
      expect((await files.get(tenantId, 'a')).accessCount).toBe(2);
    });
  });

  it('adds up the bytes of active files', async () => {
    const tenantId = newTenant();
    expect(await files.storedBytes(tenantId)).toBe(0);
    await put(tenantId, specOf('a'), '12345');
    await put(tenantId, specOf('b'), '123');
    await put(tenantId, specOf('c'), '1');
    await remove(tenantId, 'c');
    expect(await files.storedBytes(tenantId)).toBe(8);
  });

  async function statesOf(tenantId: string, ids: string[]): Promise<FileRecord['state'][]> {
    return (await files.getMany(tenantId, ids)).map((file) => file.state);
  }
}

function commitNew(): { mustNotExist: boolean; uploadId: null } {
  return { mustNotExist: false, uploadId: null };
}

function newestFirst(tenantId: string) {
  const order = [{ field: 'create_time' as const, descending: true }];
  return { tenantId, filter: null, order, cursor: null, showDeleted: true };
}

/** Times have milliseconds: what comes after this has a later one. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 3));
}
