-- Files, the blobs they point to, the uploads that make them, long-running operations, remembered requests and keys.
-- First migration: nothing runs beside it.
-- Times have milliseconds, as JavaScript has them: a cursor or a filter that went out and came back is still the same time.
-- Text that is ordered has the collation "C": the same order on every machine, and prefixes can use an index.

create table blobs (
  sha256 bytea primary key check (octet_length(sha256) = 32),
  size_bytes bigint not null check (size_bytes >= 0),
  crc32c bigint not null,
  -- SHA-256 of each 1 MiB chunk, 32 bytes each, in order.
  chunk_digests bytea not null,
  -- How often content was offered that was here already.
  duplicate_count bigint not null default 0,
  state text not null default 'active' check (state in ('active', 'quarantined')),
  bad_chunks integer[] not null default '{}',
  -- When a file last let go of it: only then can it have become one that no file points to.
  release_time timestamptz(3),
  create_time timestamptz(3) not null default now(),
  verify_time timestamptz(3) not null default now()
);
create index blobs_by_verify_time on blobs (verify_time);
create index blobs_released on blobs (release_time) where release_time is not null;

create table files (
  tenant_id text collate "C" not null,
  file_id text collate "C" not null,
  display_name text collate "C" not null,
  media_type text not null,
  sha256 bytea not null references blobs (sha256),
  -- The blob's size, repeated so that lists can filter and order by it without a join.
  size_bytes bigint not null,
  labels jsonb not null default '{}',
  metadata jsonb not null default '{}',
  state text not null default 'active' check (state in ('active', 'deleted', 'quarantined')),
  etag text not null,
  region text not null default '',
  access_count bigint not null default 0,
  create_time timestamptz(3) not null default now(),
  update_time timestamptz(3) not null default now(),
  access_time timestamptz(3),
  expire_time timestamptz(3),
  delete_time timestamptz(3),
  purge_time timestamptz(3),
  retain_until_time timestamptz(3),
  primary key (tenant_id, file_id)
) with (fillfactor = 90); -- Counting a read changes no indexed column: with room on the page it touches no index.
create index files_by_create_time on files (tenant_id, create_time desc, file_id desc);
create index files_by_update_time on files (tenant_id, update_time desc, file_id desc);
create index files_by_size on files (tenant_id, size_bytes desc, file_id desc);
create index files_by_display_name on files (tenant_id, display_name, file_id);
create index files_by_digest on files (tenant_id, sha256, create_time, file_id);
create index files_by_blob on files (sha256);
create index files_by_labels on files using gin (labels jsonb_path_ops);
create index files_to_purge on files (purge_time) where purge_time is not null;
create index files_to_expire on files (expire_time) where expire_time is not null and state <> 'deleted';

create table uploads (
  tenant_id text collate "C" not null,
  upload_id text collate "C" not null,
  request_id text,
  -- The file it will become: id, display name, media type, labels, metadata, times, region.
  file_id text collate "C" not null,
  file jsonb not null,
  total_size bigint,
  expected_sha256 bytea,
  parallel boolean not null default false,
  must_not_exist boolean not null default false,
  place_on text[] not null default '{}',
  state text not null default 'open'
    check (state in ('open', 'finalizing', 'completed', 'failed', 'cancelled', 'expired')),
  -- Counts the writers that took it over; only the newest may write.
  writer_epoch bigint not null default 0,
  -- What was received, once finalising has begun.
  sha256 bytea,
  deduplicated boolean not null default false,
  -- Reason and message of a failure.
  error jsonb,
  create_time timestamptz(3) not null default now(),
  update_time timestamptz(3) not null default now(),
  expire_time timestamptz(3) not null,
  primary key (tenant_id, upload_id)
);
create unique index uploads_by_request on uploads (tenant_id, request_id) where request_id is not null;
create index uploads_by_id on uploads (upload_id);
create index uploads_by_create_time on uploads (tenant_id, create_time desc, upload_id desc);
create index uploads_to_expire on uploads (expire_time) where state in ('open', 'finalizing');
create index uploads_finalizing on uploads (update_time) where state = 'finalizing';
create index uploads_ended on uploads (update_time) where state in ('completed', 'failed', 'cancelled', 'expired');

create table operations (
  tenant_id text collate "C" not null,
  operation_id text collate "C" not null,
  kind text not null,
  -- What it works on and its arguments; what it has done so far; how it ended.
  input jsonb not null,
  progress jsonb not null default '{}',
  result jsonb,
  error jsonb,
  done boolean not null default false,
  cancel_requested boolean not null default false,
  create_time timestamptz(3) not null default now(),
  update_time timestamptz(3) not null default now(),
  primary key (tenant_id, operation_id)
);
create index operations_by_create_time on operations (tenant_id, create_time desc, operation_id desc);
create index operations_ended on operations (update_time) where done;

-- AIP-155: the same request id gives the first answer again, for 24 hours.
create table requests (
  tenant_id text collate "C" not null,
  request_id text not null,
  method text not null,
  fingerprint text not null,
  -- Null while the first one runs; it is taken to have died when its lease has passed.
  response jsonb,
  lease_time timestamptz(3) not null,
  create_time timestamptz(3) not null default now(),
  primary key (tenant_id, request_id)
);
create index requests_by_create_time on requests (create_time);

create table api_keys (
  key_id text primary key,
  -- SHA-256 of the secret part: the secret has 256 random bits, so a fast hash is enough.
  secret_sha256 bytea not null check (octet_length(secret_sha256) = 32),
  -- Null: every tenant.
  tenant_id text collate "C",
  role text not null check (role in ('reader', 'writer', 'admin')),
  description text not null default '',
  create_time timestamptz(3) not null default now(),
  expire_time timestamptz(3),
  revoke_time timestamptz(3)
);
create index api_keys_by_tenant on api_keys (tenant_id);

-- Keys that every process must share and nobody needs to type: the one that signs page tokens.
create table server_secrets (
  name text primary key,
  value bytea not null,
  create_time timestamptz(3) not null default now()
);
