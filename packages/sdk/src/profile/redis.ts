/**
 * Redis and Valkey: writes are paused on every member, by a pause of the server's own that ends by itself.
 *
 * The password is read in the container, from `REDISCLI_AUTH`, `REDIS_PASSWORD` or the file that
 * `REDIS_PASSWORD_FILE` names, and is in no argv. The port is `REDIS_PORT_NUMBER`, or 6379: `REDIS_PORT` is
 * set by Kubernetes itself if there is a Service named redis, and is not a number then.
 */
import type { QuiesceSection } from "../Quiesce.ts"

const tools = `r() { redis-cli -p "\${REDIS_PORT_NUMBER:-6379}" "$@" 2>&1; }
fail() { printf '%s\\n' "$*" >&2; exit 1; }
if [ -z "\${REDISCLI_AUTH:-}" ]; then
  if [ -n "\${REDIS_PASSWORD:-}" ]; then REDISCLI_AUTH=$REDIS_PASSWORD
  elif [ -n "\${REDIS_PASSWORD_FILE:-}" ]; then IFS= read -r REDISCLI_AUTH <"$REDIS_PASSWORD_FILE" || [ -n "$REDISCLI_AUTH" ] || fail "no password in $REDIS_PASSWORD_FILE"
  fi
  [ -z "\${REDISCLI_AUTH:-}" ] || export REDISCLI_AUTH
fi
ok() { a=$(r "$@"); [ "$a" = OK ] || fail "$1 $2: $a"; }
field() { r INFO persistence | while IFS=: read -r k v; do [ "$k" != "$1" ] || printf '%s' "\${v%?}"; done; }
writes() { r INFO persistence | while IFS=: read -r k v; do case $k in rdb_changes_since_last_save|rdb_last_save_time) printf '%s ' "\${v%?}";; esac; done; }
`

/**
 * A pause is no proof: any client can end it, and INFO does not show it. The count of writes since the last
 * save is, with the time of that save. Acknowledged writes are in the file, but perhaps not on the volume: so
 * its file system is synced; and data that is in no file is saved.
 */
const quiesce = `${tools}
ok CLIENT PAUSE "$1" WRITE
if [ "$(field aof_enabled)" = 0 ] && [ "$(field rdb_changes_since_last_save)" != 0 ]; then
  r BGSAVE >/dev/null
  while [ "$(field rdb_bgsave_in_progress)" = 1 ]; do sleep 0.05 || sleep 1; done
  [ "$(field rdb_changes_since_last_save)" = 0 ] || fail 'appendonly is off, and BGSAVE did not save all'
fi
dir=$(r CONFIG GET dir) && dir=\${dir#dir?} && sync -f "$dir" 2>/dev/null || sync
before=$(writes)
[ -n "$before" ] || fail 'INFO persistence says nothing of writes'
echo held
while IFS= read -r x; do :; done
after=$(writes)
ok CLIENT UNPAUSE
[ "$after" = "$before" ] || fail 'something was written or saved while it was paused'`

const thaw = `${tools}
ok CLIENT UNPAUSE`

const probe = `${tools}
[ -n "$(writes)" ] || fail "INFO persistence: $(r INFO persistence)"
ok CLIENT PAUSE 1 WRITE`

export const redis = {
  guarantee: "blocks-writes",
  quiesce: { command: ["sh", "-c", quiesce, "redis", "{deadline}"] },
  thaw: { command: ["sh", "-c", thaw, "redis"], timeout: "10s" },
  probe: { command: ["sh", "-c", probe, "redis"], timeout: "10s" }
} satisfies QuiesceSection
