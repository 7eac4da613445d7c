# Everything that speaks SQL, on the Postgres that Debian ships, over TCP, with a role that is no superuser.
set -eu

bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
place=$(mktemp -d "${TMPDIR:-/tmp}/longshore-postgres-XXXXXX")
port=$(node -e "const s = require('net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close(); })")

# Postgres refuses to run as root.
as_postgres() { if [ "$(id -u)" -eq 0 ]; then (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"); else "$@"; fi; }
if [ "$(id -u)" -eq 0 ]; then chown postgres:postgres "$place"; fi
stop() {
  as_postgres "$bin/pg_ctl" -D "$place/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$place"
}
trap stop EXIT

as_postgres "$bin/initdb" -D "$place/data" -U admin -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
as_postgres "$bin/pg_ctl" -D "$place/data" -w -l "$place/log" -o "-p $port -k $place -c listen_addresses=127.0.0.1 -F" start >/dev/null
as_postgres "$bin/psql" -q -h 127.0.0.1 -p "$port" -U admin -d postgres -c 'create role tester login createdb'
"$bin/postgres" --version

export TEST_DATABASE_URL=postgres://tester@127.0.0.1:$port/postgres
node_modules/.bin/tsx tests/run.ts $(grep -rlE 'createTestDatabase|postgresAdminUrl' tests --include='*.test.ts' | grep -vE '^tests/(e2e|languages|themes)/' | sort)
