import { randomBytes } from 'node:crypto';
import { authenticate } from './access/authenticate.ts';
import { cachedKeyStore } from './access/cached-key-store.ts';
import type { Caller } from './access/caller.ts';
import { PostgresKeyStore } from './access/postgres-key-store.ts';
import { serverSecret } from './access/postgres-server-secret.ts';
import { DiskBlobStore } from './blobs/disk-blob-store.ts';
import { makeDurableFolder } from './blobs/durable-folder.ts';
import { layout } from './blobs/layout.ts';
import { PartFiles } from './blobs/part-files.ts';
import { PostgresBlobRecordStore } from './blobs/postgres-blob-record-store.ts';
import { StrayBlobs } from './blobs/stray-blobs.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { LongshoreError } from './errors.ts';
import { UploadCreator } from './files/create-upload.ts';
import { Damage } from './files/damage.ts';
import { UploadFinalizer } from './files/finalize-upload.ts';
import { scrub, sweep, sweepStrays } from './files/housekeeping.ts';
import { makeIds } from './files/ids.ts';
import { MediaTypes } from './files/media-type.ts';
import { makePageTokens } from './files/page.ts';
import { PostgresFileStore } from './files/postgres-file-store.ts';
import { PostgresUploadStore, UPLOADS_CHANNEL } from './files/postgres-upload-store.ts';
import { ReadCounter } from './files/read-counter.ts';
import { SmallFiles } from './files/small-files.ts';
import { TenantQuota } from './files/tenant-quota.ts';
import { FileUpdater } from './files/update-file.ts';
import { UploadReceiver, type UploadClaim } from './files/upload-receiver.ts';
import { UploadResults } from './files/upload-results.ts';
import { runVerifyOperation, Verifier, type VerifyJob } from './files/verify-file.ts';
import { Admission } from './grpc/admission.ts';
import { batchMethods } from './grpc/batch-methods.ts';
import { bearerToken, Calls } from './grpc/calls.ts';
import { fileMethods, placementMethods } from './grpc/file-methods.ts';
import { FramePool } from './grpc/frame-pool.ts';
import { operationMethods, verifyMethods } from './grpc/operation-methods.ts';
import { readFile } from './grpc/read-file.ts';
import { startGrpcServer } from './grpc/server.ts';
import { serverInfoMethods } from './grpc/server-info.ts';
import { uploadMethods } from './grpc/upload-methods.ts';
import { writeUpload } from './grpc/write-upload.ts';
import { healthRoute, metricsRoute } from './http/health.ts';
import { startHttpServer } from './http/server.ts';
import { keepFreedMemory } from './native/allocator.ts';
import { forceSha256, sha256Implementation } from './native/sha256.ts';
import { VERIFY_FILE } from './operations/operation-kinds.ts';
import { PostgresOperationStore } from './operations/postgres-operation-store.ts';
import { PostgresRequestStore } from './operations/postgres-request-store.ts';
import { createPostgresListener } from './postgres/listener.ts';
import { startEmbeddedPostgres } from './postgres/embedded.ts';
import { startJobs } from './postgres/jobs.ts';
import { migrate } from './postgres/migrations.ts';
import { createPostgres } from './postgres/postgres.ts';
import { Lifetime } from './lifetime.ts';
import type { Logger } from './telemetry/log.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { version } from './version.ts';

/** A server that runs. */
export interface App {
  readonly grpcAddress: string;
  readonly httpAddress: string;
  /** Takes no new calls, lets those under way end (for as long as the configuration gives them), stops everything. */
  stop(): Promise<void>;
}

const DAY_MS = 86_400_000;
/** Between a call's end and its last bytes being with the client. */
const LAST_ANSWERS_MS = 1000;
const ANYONE: Caller = { tenantId: null, role: 'admin', keyId: null };

/** The whole machine: builds every part once, by hand, and joins them. Rejects, with nothing left running, when a part cannot start. */
export async function startApp(config: Config, log: Logger): Promise<App> {
  const lifetime = new Lifetime();
  try {
    return await assemble(config, log, lifetime);
  } catch (error) {
    await lifetime.end();
    throw error;
  }
}

async function assemble(config: Config, log: Logger, lifetime: Lifetime): Promise<App> {
  const clock = systemClock;
  const newId = makeIds(clock, randomBytes);
  const metrics = createMetrics();
  keepFreedMemory();
  if (config.sha256 !== 'auto') forceSha256(config.sha256);
  metrics.hashImplementation.set({ implementation: sha256Implementation() }, 1);

  // The database.
  const onLog = (line: string) => log.info({ part: 'postgres' }, line);
  const embedded = config.databaseUrl
    ? null
    : lifetime.own(await startEmbeddedPostgres({ dataFolder: config.dataFolder, onLog }), (it) => it.stop());
  const url = config.databaseUrl ?? embedded?.url ?? '';
  await migrate({ url, onLog });
  const postgres = lifetime.own(
    createPostgres({
      url,
      connectionsMax: config.databaseConnectionsMax,
      statementTimeoutMs: config.databaseStatementTimeoutMs,
      onLog,
    }),
    (it) => it.close(),
  );
  const listener = lifetime.own(createPostgresListener({ url, onLog }), (it) => it.close());
  const tokens = makePageTokens(
    config.pageTokenKey ?? (await serverSecret(postgres, 'page-tokens', randomBytes)),
  );

  // What is kept.
  const paths = layout(config.dataFolder);
  await Promise.all([paths.blobs, paths.uploads].map(makeDurableFolder));
  const blobs = lifetime.own(new DiskBlobStore(paths), (it) => it.close());
  const blobRecords = new PostgresBlobRecordStore(postgres);
  const partFiles = new PartFiles(paths, clock);
  const files = new PostgresFileStore(postgres);
  const uploads = new PostgresUploadStore(postgres);
  const operations = new PostgresOperationStore(postgres);
  const requests = new PostgresRequestStore(postgres, clock);
  const keys = cachedKeyStore(new PostgresKeyStore(postgres), clock);

  // What happens to it.
  const mediaTypes = new MediaTypes({
    allowed: config.mediaTypesAllowed,
    blocked: config.mediaTypesBlocked,
    limits: config.mediaTypeLimits,
    fileBytesMax: config.fileBytesMax,
    emptyAllowed: config.emptyFilesAllowed,
  });
  const quota = new TenantQuota(files, clock, config.tenantBytesMax);
  const reads = lifetime.own(new ReadCounter(files, clock, metrics, log), (it) => it.close());
  const damage = new Damage(blobs, blobRecords, files, clock, metrics, log);
  const verifier = new Verifier(blobs, blobRecords, damage, clock, metrics);
  const receiver = new UploadReceiver(
    uploads,
    partFiles,
    clock,
    (type) => mediaTypes.bytesMax(type),
    () => blobs.space(),
  );
  const finalizer = new UploadFinalizer(uploads, files, blobs, partFiles, mediaTypes, quota, metrics);
  const results = new UploadResults(receiver, finalizer, files);
  const creator = new UploadCreator(
    uploads,
    files,
    blobs,
    damage,
    quota,
    newId,
    clock,
    mediaTypes,
    config.uploadTtlMs,
    metrics,
  );
  const updater = new FileUpdater(files, blobs, damage, mediaTypes);
  const small = new SmallFiles(files, blobs, mediaTypes, quota, clock, metrics);
  listener.listen(UPLOADS_CHANNEL, (payload) => {
    if (payload === null)
      receiver.recheck().catch((error: unknown) => log.warn({ err: error }, 'claims could not be rechecked'));
    else receiver.heard(JSON.parse(payload) as UploadClaim);
  });
  void reads.run();

  // What goes on in the background.
  const housekeeping = {
    files,
    uploads,
    finalizer,
    requests,
    operations,
    blobs,
    blobRecords,
    partFiles,
    verifier,
    clock,
    metrics,
    log,
    strays: new StrayBlobs(paths, blobs, blobRecords),
    deleteGraceMs: config.deleteGraceMs,
    scrubIntervalMs: config.scrubIntervalMs,
    scrubBytesPerSecondMax: config.scrubBytesPerSecondMax,
  };
  const jobs = startJobs(
    postgres.pool,
    {
      sweep: (_, signal) => sweep(housekeeping, signal),
      'sweep-strays': (_, signal) => sweepStrays(housekeeping, signal),
      scrub: (_, signal) => scrub(housekeeping, signal),
      [VERIFY_FILE]: (payload, signal) =>
        runVerifyOperation(payload as VerifyJob, { verifier, files, operations, clock }, signal),
    },
    log,
  );
  // Whoever needs them hears when they cannot start; until then it must not end the process.
  jobs.catch(() => undefined);
  void lifetime.own(jobs, async (it) => (await it).stop());

  // Who may call, and how.
  const admission = new Admission(config.requestsPerSecondMax, config.streamsMax);
  const calls = new Calls({
    authenticate: async (metadata) =>
      config.auth === 'off' ? ANYONE : authenticate(keys, bearerToken(metadata), clock.nowMs()),
    admission,
    newRequestId: newId,
    nowMs: () => performance.now(),
    metrics,
    log,
  });
  const pool = new FramePool(config.readBufferBytesMax, (bytes) => metrics.readBufferBytes.set(bytes));
  const { deleteGraceMs, batchBytesMax, batchItemsMax, fileBytesMax, uploadTtlMs } = config;
  const operationParts = {
    operations,
    files,
    tokens,
    newId,
    clock,
    enqueue: async (operation: { kind: string; tenantId: string; operationId: string; input: object }) =>
      (await jobs).add(operation.kind, operation),
  };
  const grpc = lifetime.own(
    await startGrpcServer(
      {
        files: {
          ...serverInfoMethods({ version, fileBytesMax, batchBytesMax, batchItemsMax, uploadTtlMs }, calls),
          ...fileMethods(
            { files, updater, requests, tokens, newId, clock, deleteGraceMs, digestsMax: batchItemsMax },
            calls,
          ),
          ...uploadMethods({ creator, uploads, files, receiver, results, partFiles, tokens, newId }, calls),
          ...batchMethods(
            {
              files,
              blobs,
              damage,
              reads,
              small,
              requests,
              newId,
              clock,
              metrics,
              deleteGraceMs,
              itemsMax: batchItemsMax,
              bytesMax: batchBytesMax,
            },
            calls,
          ),
          ...verifyMethods(operationParts, calls),
          ...placementMethods(calls),
          ReadFile: calls.serverStreaming(readFile({ files, blobs, damage, reads, pool, metrics })),
          WriteUpload: calls.bidiStreaming(
            writeUpload({ receiver, results, metrics, idleTimeoutMs: config.uploadIdleTimeoutMs }),
          ),
        },
        operations: operationMethods(operationParts, calls),
        reflection: config.reflection,
        log,
      },
      config.grpcAddress,
    ),
    (it) => it.destroy(),
  );
  const http = lifetime.own(
    await startHttpServer(
      {
        '/health': healthRoute(
          [
            { name: 'database', check: async () => void (await postgres.query('select 1')) },
            { name: 'disk', check: async () => void (await blobs.space()) },
          ],
          () => admission.draining,
        ),
        '/metrics': metricsRoute(metrics),
      },
      config.httpAddress,
    ),
    (it) => it.close(),
  );
  scheduleHousekeeping(jobs, config, log);

  return {
    grpcAddress: `${config.grpcAddress.host}:${grpc.port}`,
    httpAddress: `${config.httpAddress.host}:${http.port}`,
    async stop() {
      admission.drain();
      grpc.drain();
      const draining = new LongshoreError('DRAINING', 'The server stops: go on at another one.', {
        retryAfterMs: 1000,
      });
      const cut = setTimeout(() => calls.abort(draining), config.drainTimeoutMs);
      const drained = new AbortController();
      const wait = (ms: number) => clock.sleep(ms, drained.signal).catch(() => undefined);
      // Who watches health never ends: when all calls have, only their answers are still given time to leave.
      const served = calls.idle().then(() => wait(LAST_ANSWERS_MS));
      await Promise.race([grpc.close(), served, wait(config.drainTimeoutMs + LAST_ANSWERS_MS)]);
      drained.abort();
      clearTimeout(cut);
      await receiver.close(draining);
      await lifetime.end();
    },
  };
}

/** Jobs may take a moment to start; nobody waits for them. */
function scheduleHousekeeping(jobs: ReturnType<typeof startJobs>, config: Config, log: Logger): void {
  const schedule = async () => {
    const started = await jobs;
    await started.every(config.sweepIntervalMs, 'sweep');
    await started.every(DAY_MS, 'sweep-strays');
    if (config.scrubIntervalMs > 0) await started.every(Math.min(config.scrubIntervalMs, DAY_MS), 'scrub');
  };
  schedule().catch((error: unknown) => log.error({ err: error }, 'background work could not be started'));
}
