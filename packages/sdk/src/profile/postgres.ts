/**
 * PostgreSQL: nothing is quiesced, since nothing can stop several servers at one moment. Each member recovers
 * from a snapshot of its data and its WAL at one moment, as after a power failure; so both are on one volume,
 * or in one group.
 *
 * If they are on several volumes that are snapshotted separately, backup mode is used: the data is
 * snapshotted between `pg_backup_start` and `pg_backup_stop` of one session, and the WAL after that. The
 * output of the stop, the label, is saved, and must be in the data directory before the server's first start
 * on it.
 */
import type { QuiesceSection } from "../Quiesce.ts"
import type { RestoreSection } from "../Verify.ts"

/**
 * The data directory of the server in this container. It is the server's working directory, which only its
 * own user can read; otherwise it is set by its arguments, or by the image.
 */
const found = `fail() { printf '%s\\n' "$*" >&2; exit 1; }
is() { [ -n "$1" ] && [ -s "$1/PG_VERSION" ] && [ -s "$1/postmaster.pid" ]; }
told() { tr '\\0' '\\n' <"$1/cmdline" | while IFS= read -r x; do case $x in -D) IFS= read -r x; printf %s "$x";; -D*) printf %s "\${x#-D}";; esac; done; }
d=
for p in /proc/[0-9]*; do
  case "$(cat "$p/comm" 2>/dev/null)" in postgres|postmaster) ;; *) continue;; esac
  for d in "$(readlink "$p/cwd" 2>/dev/null)" "$(told "$p" 2>/dev/null)"; do is "$d" && break 2; done
done
for d in "$d" "\${PGDATA:-}" "\${POSTGRESQL_DATA_DIR:-}"; do is "$d" && break; done
is "$d" || fail 'no postgres is found to run in this container, or its data directory may not be read'
`

const oneVolume = `${found}for x in "$d" "$d/pg_wal" "$d"/pg_tblspc/*; do
  [ -e "$x" ] || continue
  case $x in */pg_wal) printf 'last ';; esac
  readlink -f "$x" || fail "$x cannot be followed"
done`

/**
 * A session as a superuser, or as a user with permission for this, with the port and the socket of the server
 * itself. The password is read in the container, and is in no argv.
 */
const session = `${found}
at() { sed -n "$1p" "$d/postmaster.pid"; }
file=\${POSTGRES_PASSWORD_FILE:-\${POSTGRESQL_PASSWORD_FILE:-}}
PGPASSWORD=\${PGPASSWORD:-\${POSTGRES_PASSWORD:-\${POSTGRESQL_PASSWORD:-}}}
if [ -z "$PGPASSWORD" ] && [ -n "$file" ]; then IFS= read -r PGPASSWORD <"$file" || [ -n "$PGPASSWORD" ] || fail "no password in $file"; fi
[ -n "$PGPASSWORD" ] && export PGPASSWORD || unset PGPASSWORD
port=$(at 4) socket=$(at 5)
export PGPORT="\${PGPORT:-$port}" PGHOST="\${PGHOST:-\${socket:-localhost}}" PGUSER="\${PGUSER:-\${POSTGRES_USER:-postgres}}" PGCONNECT_TIMEOUT=5
ask() { psql -XAtq -d postgres -v ON_ERROR_STOP=1; }
`

/**
 * A replication slot of the session keeps the WAL from before the start until the last volume is snapshotted:
 * no checkpoint removes it.
 */
const waves = `${session}
slot=kubectl_stateful_$$
{ echo "SELECT FROM pg_create_physical_replication_slot('$slot', true, true);"
  echo "SELECT FROM pg_backup_start('kubectl-stateful', fast => true); SELECT 'held';"
  IFS= read -r x || exit 1
  cat <<SQL
WITH s AS MATERIALIZED (SELECT * FROM pg_backup_stop(wait_for_archive => false))
SELECT 'keep ' || n || ' ' || l
FROM s, LATERAL (VALUES ('backup_label', s.labelfile), ('tablespace_map', s.spcmapfile)) AS t(n, f),
  LATERAL regexp_split_to_table(f, E'\\\\n') WITH ORDINALITY AS r(l, o)
WHERE l <> '' ORDER BY n, o;
SELECT 'next';
SQL
  while IFS= read -r x; do :; done
  echo "SELECT 1 / count(*) FROM pg_replication_slots WHERE slot_name = '$slot' AND wal_status IN ('reserved', 'extended');"
} | { ask || kill -TERM $$; }`

const probe = `${session}
command -v psql >/dev/null || fail 'there is no psql in this container'
x=$(echo "SELECT current_setting('server_version_num')::int >= 150000, pg_is_in_recovery(), current_setting('wal_level') <> 'minimal';" | ask) || exit 1
case $x in
  f*) fail 'backup mode is used with PostgreSQL 15 or newer';;
  t\\|t*) fail 'this is a hot standby with its WAL on a volume of its own: a standby cannot be snapshotted in stages';;
  *\\|f) fail 'its wal_level is minimal, and backup mode needs replica';;
esac`

export const postgres = {
  guarantee: "recoverable-per-member",
  oneVolume: { command: ["sh", "-c", oneVolume, "postgres"], timeout: "10s" },
  probe: { command: ["sh", "-c", probe, "postgres"], timeout: "10s" },
  waves: {
    command: ["sh", "-c", waves, "postgres"],
    deadline: "5m",
    keeps: ["backup_label", "tablespace_map"]
  }
} satisfies QuiesceSection

/** Links to tablespaces are on the volume itself; a map out of a record could lead them anywhere. */
export const postgresRestore: RestoreSection = {
  writes: [{ text: "backup_label", beside: "global/pg_control" }]
}
