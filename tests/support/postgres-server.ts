import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/postgres/embedded.ts';
import { migrate } from '../../src/postgres/migrations.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A Postgres of this run on which databases may be made. */
    postgresAdminUrl: string;
    /** The database with all migrations that each test file's own is copied from. */
    postgresTemplate: string;
  }
}

/**
 * One Postgres for the whole run: the embedded one, as users get it, or the one of `TEST_DATABASE_URL` (whose role must be
 * allowed to make databases).
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL'];
  const embedded = given === undefined || given === '' ? await startOwn() : null;
  const adminUrl = embedded?.server.adminUrl ?? given ?? '';
  const template = `longshore_template_${process.pid}_${Date.now().toString(36)}`;
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  if (embedded !== null) await forgoDurability(admin);
  await admin.query(`create database ${template}`);
  await migrate({ url: databaseUrl(adminUrl, template) });
  project.provide('postgresAdminUrl', adminUrl);
  project.provide('postgresTemplate', template);
  return async () => {
    await admin.query(`drop database if exists ${template} with (force)`);
    await admin.end();
    await embedded?.server.stop();
    if (embedded !== null) await rm(embedded.folder, { recursive: true, force: true });
  };
}

async function startOwn(): Promise<{ server: EmbeddedPostgres; folder: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-tests-'));
  return { folder, server: await startEmbeddedPostgres({ dataFolder: path.join(folder, 'data') }) };
}

/** This server is thrown away after the run, and waiting for the disk takes most of the time of the tests of stores. */
async function forgoDurability(admin: pg.Client): Promise<void> {
  await admin.query('alter system set fsync = off');
  await admin.query('alter system set full_page_writes = off');
  await admin.query('select pg_reload_conf()');
}

/** The same server, another database. */
export function databaseUrl(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
