/**
 * Join and leave hooks of etcd. The start script of a new member adds it as a learner, before its server
 * starts: here it is promoted once it is in sync. A leaving member is removed by another one.
 *
 * The client certificates and the user are those that the container has for etcdctl; otherwise the server's
 * own.
 */
import type { BuiltIn } from "./file.ts"
import { words } from "./etcdWords.ts"

/**
 * `c ENDPOINTS ...` is etcdctl; `$own` is this member's endpoint, `$others` those of the members that it began
 * with. `state` asks its server who it is: $me (as a list has it with `--hex`), the $leader, whether it $learns. `seek ENDPOINTS` looks for it
 * in the list that those have: its $id and whether it is a $learner; $heir is another one that votes.
 */
const tools = `${words}
set -f
IFS='
'
set -- $(tr '\\0' '\\n' </proc/1/cmdline)
unset IFS
set +f
needed initial-advertise-peer-urls ETCD_INITIAL_ADVERTISE_PEER_URLS "$@"; peer=\${v%%,*}
value advertise-client-urls ETCD_ADVERTISE_CLIENT_URLS "$@"; own=\${v%%,*}
[ -n "$own" ] || own=\${peer%:*}:2379
value initial-cluster ETCD_INITIAL_CLUSTER "$@"; others=
IFS=,
for m in $v; do
  m=\${m#*=}
  [ "$m" = "$peer" ] && continue
  m=\${m#*://}
  others=$others\${others:+,}\${own%%://*}://\${m%:*}:\${own##*:}
done
unset IFS
given() {
  k=$1
  shift
  eval "v=\\\${$k:-}"
  [ -n "$v" ] || { value "$@"; [ -z "$v" ] || eval "export $k=\\$v"; }
}
case $own in https:*)
  given ETCDCTL_CACERT trusted-ca-file ETCD_TRUSTED_CA_FILE "$@"
  given ETCDCTL_CERT cert-file ETCD_CERT_FILE "$@"
  given ETCDCTL_KEY key-file ETCD_KEY_FILE "$@";;
esac
if [ -z "\${ETCDCTL_USER:-}" ] && [ -n "\${ETCD_ROOT_PASSWORD:-}" ]; then
  ETCDCTL_USER=root ETCDCTL_PASSWORD=$ETCD_ROOT_PASSWORD
  export ETCDCTL_USER ETCDCTL_PASSWORD
fi
unset ETCDCTL_ENDPOINTS ETCDCTL_WRITE_OUT ETCDCTL_COMMAND_TIMEOUT ETCDCTL_HEX me
c() { e=$1; shift; etcdctl --endpoints "$e" --command-timeout 5s "$@"; }
state() {
  said=$(c "$own" -w fields "$@" endpoint status) || return 1
  while read -r k x v; do
    case $k in '"MemberID"') me=$v;; '"Leader"') leader=$v;; '"IsLearner"') learns=$v;; esac
  done <<SAID
$said
SAID
  [ -n "$me" ]
}
seek() {
  id= heir= learner=
  list=$(c "$1" member list) || return 1
  while IFS= read -r l; do
    case $l in
      "\${me:-$peer}, "*|*", $peer, "*|*", $peer,"*) id=\${l%%,*} learner=\${l##*, };;
      *", started, "*", false") heir=\${l%%,*};;
    esac
  done <<LIST
$list
LIST
}
`

const roles = `${tools}
state || exit 1
if [ "$learns" = true ]; then echo learner; elif [ "$me" = "$leader" ]; then echo leader; else echo voter; fi`

/** A learner answers only for itself, and cannot tell whether the others agree. */
const health = `${tools}
state || exit 1
[ "$learns" = true ] || c "$own" endpoint health >/dev/null`

const stepDown = `${tools}
seek "$own" || exit 1
[ -n "$heir" ] || fail 'there is no other member that votes'
c "$own" move-leader "$heir"`

/** Just after a start, or a change of the leader, etcd refuses to change its members for some seconds. */
const beforeRemove = `${tools}
[ -n "$others" ] || fail 'its initial cluster names no other member'
i=0
state --hex
while :; do
  seek "$others" || fail 'no other member answers'
  if [ -z "$id" ]; then [ -n "$me" ] && exit 0; fail "its server does not answer, and the others do not know $peer"; fi
  [ -n "$heir" ] || fail 'it is the last member that votes: to stop the application, scale it without this profile'
  said=$(c "$others" member remove "$id" 2>&1) && exit 0
  i=$((i+1))
  [ "$i" -lt 20 ] || fail "$said"
  sleep 1
done`

const afterAdd = `${tools}
i=0
while :; do
  seek "\${others:-$own}" || seek "$own" || fail 'no member answers'
  [ -n "$id" ] || fail "$peer is no member: what starts it has to ask for that first, with etcdctl member add --learner"
  [ "$learner" = true ] || exit 0
  said=$(c "\${others:-$own}" member promote "$id" 2>&1) && exit 0
  i=$((i+1))
  [ "$i" -lt 100 ] || fail "$said"
  sleep 1
done`

/** Exit code 1 says that it is out: whatever is not known has another one. */
const probe = `${tools}
state --hex
seek "\${others:-$own}" || seek "$own" || exit 2
[ "$learner" = false ] || exit 1`

const hook = (script: string, timeout: string) => ({
  command: ["sh", "-c", script, "etcd"] as const,
  timeout
})

export const scale: NonNullable<BuiltIn["scale"]> = {
  beforeRemove: hook(beforeRemove, "60s"),
  afterAdd: hook(afterAdd, "150s"),
  probe: hook(probe, "20s"),
  roles: hook(roles, "10s"),
  stepDown: hook(stepDown, "20s"),
  health: hook(health, "10s")
}
