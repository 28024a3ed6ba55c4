/**
 * etcd: the guarantee of one member, and how all of them are rebuilt from one.
 *
 * Members that were snapshotted at different moments must not be combined: one may have forgotten what it
 * agreed to. Blocking writes would not help, so there is no quiesce. A group, or a snapshot of the stopped
 * application, is restored as it is; from anything else all members are rebuilt from the data of one.
 *
 * Names, addresses and paths are read where the server has them: in its arguments and its environment.
 */
import type { BuiltIn } from "./file.ts"
import { scale } from "./etcdHooks.ts"
import { words } from "./etcdWords.ts"

const tools = `${words}
folders() {
  needed data-dir ETCD_DATA_DIR "$@"; data=\${v%/}
  value wal-dir ETCD_WAL_DIR "$@"; wal=\${v%/}
  s=$root/.kubectl-stateful
  for d in "$data" $wal; do case $d in "$root"|"$root"/*) ;; *) fail "$d is not on the volume";; esac; done
}
`

/**
 * A server with one member replays the write-ahead log, listens on the loopback interface only, and exits. It
 * has no DNS, and a proxy rejects all connections: the members that it remembers may be alive, and would
 * accept it as one of them. It is ready once a linearizable read succeeds. A quota would leave an alarm in
 * the saved data.
 */
const save = `${tools}
root=\${1%/}
shift
folders "$@"
if ! [ -s "$s/seed.db" ]; then
  [ -d "$data/member/snap" ] || fail "there is no data of a member in $data"
  rm -rf "$s"
  mkdir "$s" || exit 1
  if [ -n "\${ETCD_ROOT_PASSWORD:-}" ]; then ETCDCTL_USER=root ETCDCTL_PASSWORD=$ETCD_ROOT_PASSWORD; export ETCDCTL_USER ETCDCTL_PASSWORD; fi
  unset $(env | while IFS= read -r x; do
    x=\${x%%=*}
    case $x in *[!A-Z0-9_]*|ETCDCTL_USER|ETCDCTL_PASSWORD) ;; ETCD_*|ETCDCTL_*|NO_PROXY) printf '%s ' "$x";; esac
  done) no_proxy
  at=http://127.0.0.1:23790
  c() { etcdctl --endpoints "$at" "$@" 2>"$s/said"; }
  HTTP_PROXY=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9 etcd --name seed --data-dir "$data" \${wal:+--wal-dir "$wal"} \\
    --force-new-cluster --quota-backend-bytes -1 --listen-client-urls "$at" --advertise-client-urls "$at" \\
    --listen-peer-urls http://127.0.0.1:23800 --log-level error >"$s/log" 2>&1 &
  p=$!
  until c endpoint health >/dev/null; do
    kill -0 "$p" 2>/dev/null || fail "etcd does not start from the copy: $(tail -n 1 "$s/log")"
    sleep 0.2 || sleep 1
  done
  c snapshot save "$s/part" >/dev/null || fail "it could not be saved: $(tail -n 1 "$s/said")"
  kill "$p"
  wait "$p"
  sync
  mv "$s/part" "$s/seed.db" || exit 1
fi
rm -rf "$data/member" \${wal:+"$wal"}
sync`

/** The member's data under its own name in a cluster that never existed, one revision jump ahead. */
const restore = `${tools}
operation=$1 members=$2 root=\${3%/}
shift 3
folders "$@"
rm -rf "$s.done"
[ -d "$s" ] || exit 0
[ -s "$s/seed.db" ] || fail "nothing was saved on the volume"
needed name ETCD_NAME "$@"; name=$v
needed initial-cluster ETCD_INITIAL_CLUSTER "$@"; cluster=$v
needed initial-advertise-peer-urls ETCD_INITIAL_ADVERTISE_PEER_URLS "$@"; peers=$v
n=0 own=
IFS=,
for m in $cluster; do n=$((n+1)); case $m in "$name="*) own=1;; esac; done
unset IFS
[ -n "$own" ] || fail "$name is no member of its --initial-cluster $cluster"
[ "$n" = "$members" ] || fail "its --initial-cluster has $n members, and $members are restored: $cluster"
rm -rf "$s/new" "$s/wal" "$data/member" \${wal:+"$wal"}
said=$(etcdutl snapshot restore "$s/seed.db" --data-dir "$s/new" \${wal:+--wal-dir "$s/wal"} --bump-revision 1000000000 --mark-compacted \\
  --name "$name" --initial-cluster "$cluster" --initial-cluster-token "$operation" --initial-advertise-peer-urls "$peers" 2>&1) ||
  { printf '%s\\n' "$said" | tail -n 1 >&2; exit 1; }
mkdir -p "$data" && mv "$s/new/member" "$data/member" || exit 1
[ -z "$wal" ] || mv "$s/wal" "$wal" || exit 1
sync
mv "$s" "$s.done" && rm -rf "$s.done"`

export const etcd: BuiltIn = {
  description: "etcd: seeded from one.",
  scale,
  snapshot: { guarantee: "one-member" },
  seed: {
    save: { command: ["sh", "-c", save, "etcd", "{volume}", "{args}"] },
    restore: { command: ["sh", "-c", restore, "etcd", "{operation}", "{members}", "{volume}", "{args}"] }
  }
}
