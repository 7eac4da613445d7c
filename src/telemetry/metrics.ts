import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Every number that Longshore shows to Prometheus; nobody else imports the metrics library. */
export type Metrics = ReturnType<typeof createMetrics>;

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    grpcRequests: new Counter({
      name: 'grpc_server_handled_total',
      help: 'Calls that ended, by method and gRPC code.',
      labelNames: ['method', 'code'] as const,
      registers,
    }),
    grpcSeconds: new Histogram({
      name: 'grpc_server_handling_seconds',
      help: 'How long calls took, by method.',
      labelNames: ['method'] as const,
      buckets: SECONDS,
      registers,
    }),
    grpcInFlight: new Gauge({
      name: 'grpc_server_in_flight',
      help: 'Calls that are running, by method.',
      labelNames: ['method'] as const,
      registers,
    }),
    receivedBytes: new Counter({
      name: 'longshore_received_bytes_total',
      help: 'Bytes of content taken in.',
      registers,
    }),
    servedBytes: new Counter({
      name: 'longshore_served_bytes_total',
      help: 'Bytes of content given out, by the tier they came from.',
      labelNames: ['tier'] as const,
      registers,
    }),
    tierReads: new Counter({
      name: 'longshore_tier_reads_total',
      help: 'Reads by tier and whether it had the content.',
      labelNames: ['tier', 'result'] as const,
      registers,
    }),
    hashedBytes: new Counter({
      name: 'longshore_hashed_bytes_total',
      help: 'Bytes put through SHA-256, by what for.',
      labelNames: ['purpose'] as const,
      registers,
    }),
    hashImplementation: new Gauge({
      name: 'longshore_sha256_implementation_info',
      help: 'Which SHA-256 kernel runs (always 1).',
      labelNames: ['implementation'] as const,
      registers,
    }),
    uploadAcks: new Counter({
      name: 'longshore_upload_acks_total',
      help: 'Acknowledged states of uploads: each was on disk first.',
      registers,
    }),
    syncSeconds: new Histogram({
      name: 'longshore_sync_seconds',
      help: 'How long it took to get received bytes onto the disk.',
      buckets: SECONDS,
      registers,
    }),
    deduplicationChecks: new Counter({
      name: 'deduplication_checks_total',
      help: 'Contents that were looked up by digest before they were kept.',
      registers,
    }),
    deduplicationHits: new Counter({
      name: 'deduplication_hits_total',
      help: 'Contents that were here already.',
      registers,
    }),
    corruptions: new Counter({
      name: 'longshore_corrupt_blobs_total',
      help: 'Stored contents found damaged, by who found it.',
      labelNames: ['found_by'] as const,
      registers,
    }),
    sweeps: new Counter({
      name: 'longshore_swept_total',
      help: 'Things the housekeeping took away.',
      labelNames: ['kind'] as const,
      registers,
    }),
    partFilesLeft: new Counter({
      name: 'longshore_part_files_left_total',
      help: 'Part files that could not be removed with the end of their upload; a sweep does it.',
      registers,
    }),
    trackingLost: new Counter({
      name: 'longshore_tracking_lost_total',
      help: 'Tracked events that could not be kept.',
      registers,
    }),
    readBufferBytes: new Gauge({
      name: 'longshore_read_buffer_bytes',
      help: 'Memory held by frames that readers have not taken yet.',
      registers,
    }),
  };
}
