/**
 * MariaDB: one session on each member takes `BACKUP STAGE BLOCK_COMMIT`, and waits for its client's input.
 * The server releases it with the session, so the freeze ends with its process.
 *
 * The password of root is read in the container: `MARIADB_ROOT_PASSWORD`, `MYSQL_ROOT_PASSWORD`, or the file
 * that either names with `_FILE`; it is passed to the client in its environment, and is in no argv.
 */
import type { QuiesceSection } from "../Quiesce.ts"

/**
 * A user lock in addition to the stage tells a thaw which session it is; two rows for one value are an error.
 */
const lock = "kubectl-stateful.quiesce"

const tools = `fail() { printf '%s\\n' "$*" >&2; exit 1; }
file=\${MARIADB_ROOT_PASSWORD_FILE:-\${MYSQL_ROOT_PASSWORD_FILE:-}}
MYSQL_PWD=\${MARIADB_ROOT_PASSWORD:-\${MYSQL_ROOT_PASSWORD:-\${MYSQL_PWD:-}}}
if [ -z "$MYSQL_PWD" ] && [ -n "$file" ]; then IFS= read -r MYSQL_PWD <"$file" || [ -n "$MYSQL_PWD" ] || fail "no password in $file"; fi
export MYSQL_PWD
client() { if command -v mariadb >/dev/null; then mariadb "$@"; else mysql "$@"; fi; }
ask() { client -u root -N --unbuffered --skip-reconnect; }
`

/**
 * Committed data is flushed to the volume first, by the engines' own logs and then by the file system. At its
 * end the session must still have the stage: a session that was killed has none to end, and fails. A client
 * that exits early also ends the shell, which would otherwise wait for its input until the deadline.
 */
const quiesce = `${tools}
{ printf 'SET SESSION lock_wait_timeout=%s; SET SESSION wait_timeout=3600;\\n' "$(($1/1000))"
  echo "SET @taken = IF(GET_LOCK('${lock}', 1) = 1, 1, (SELECT 'somebody else holds it' UNION SELECT 1));"
  echo 'BACKUP STAGE START; BACKUP STAGE BLOCK_COMMIT; FLUSH ENGINE LOGS;'
  echo 'system sync'
  echo "SELECT 'held';"
  while IFS= read -r x; do :; done
  echo 'BACKUP STAGE END;'
} | { ask || kill -TERM $$; }`

const thaw = `${tools}
id=$(echo "SELECT IFNULL(IS_USED_LOCK('${lock}'), 0);" | ask) || exit 1
[ "$id" = 0 ] || echo "KILL $id;" | ask`

const probe = `${tools}
echo 'SET SESSION lock_wait_timeout=2; BACKUP STAGE START; BACKUP STAGE END;' | ask`

export const mariadb = {
  guarantee: "blocks-writes",
  quiesce: { command: ["sh", "-c", quiesce, "mariadb", "{deadline}"] },
  thaw: { command: ["sh", "-c", thaw, "mariadb"], timeout: "10s" },
  probe: { command: ["sh", "-c", probe, "mariadb"], timeout: "10s" }
} satisfies QuiesceSection
