/**
 * Two pods that verify the isolation: one that the NetworkPolicy selects, and one that it does not. Both
 * try to connect to the pods of the source, and to the API server. The isolation is verified if the second
 * one connects, and the first one does not.
 *
 * They run the application's image and never its entrypoint, have no token, and end by themselves.
 */
import type { StatefulSet } from "../kind/Workload.ts"
import { cloneLabel, madeByAnnotation, probeLabel } from "../Labels.ts"
import { placementOf, checkContainer } from "./checkPod.ts"
import type { CheckPod } from "./checkPodResult.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- parts of a pod spec, handed on as they are
type Json = any

export const sides = ["behind", "beside"] as const
export type Side = (typeof sides)[number]

/** Number of attempts, once a second: a network applies a policy with some delay. */
const rounds = 12

/** Exit codes of the check. */
export const ends = { none: 40, source: 41, server: 42, unable: 43 } as const

/**
 * `$1` is the side, the rest are addresses as `10.0.0.1/5432`. On the isolated side nothing may be reachable
 * in two rounds in a row in which DNS worked: a network that is not up yet proves nothing.
 */
export const script = `
side=$1; shift
command -v timeout >/dev/null 2>&1 || exit ${ends.unable}
if command -v nc >/dev/null 2>&1; then
  open() { timeout 4 nc -w 2 "$1" "$2" </dev/null >/dev/null 2>&1; case $? in 0|124|143) return 0;; *) return 1;; esac; }
elif command -v bash >/dev/null 2>&1; then
  open() { timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" >/dev/null 2>&1; }
else
  exit ${ends.unable}
fi
any() {
  waits=; for to in "$@"; do open "\${to%/*}" "\${to##*/}" & waits="$waits $!"; done
  got=1; for one in $waits; do wait "$one" && got=0; done
  return $got
}
names=
while read -r word value rest; do [ "$word" = nameserver ] && names="$names $value/53"; done </etc/resolv.conf
server=$KUBERNETES_SERVICE_HOST/$KUBERNETES_SERVICE_PORT
round=0; quiet=0
while :; do
  source=1; any "$@" && source=0
  api=1; any "$server" && api=0
  round=$((round+1))
  if [ "$side" = beside ]; then
    [ $source = 0 ] && exit ${ends.source}
    [ $# = 0 ] && [ $api = 0 ] && exit ${ends.server}
  elif [ $source = 1 ] && [ $api = 1 ] && { [ -z "$names" ] || any $names; }; then
    quiet=$((quiet+1)); [ $quiet = 2 ] && exit ${ends.none}
  else
    quiet=0
  fi
  [ $round = ${rounds} ] && break
  sleep 1
done
[ $source = 0 ] && exit ${ends.source}
[ $api = 0 ] && exit ${ends.server}
exit ${ends.none}`

export const probeName = (app: string, side: Side, operation: string): string =>
  `${app.slice(0, 200)}-${side}-fence-${operation}`

/** The input of the verification. */
export interface Probe {
  readonly side: Side
  readonly operation: string
  /** Of the source's pods, as `10.0.0.1/5432`. */
  readonly addresses: ReadonlyArray<string>
}

/** Seconds after which the kubelet ends the pod, even if its creator has ended. */
const lives = 600

/** Behind the fence it has all labels of the restored pods, so that whatever policy is for them is for it. */
export const probePod = (set: StatefulSet, { side, operation, addresses }: Probe): object => {
  const spec: Json = set.spec.template.spec
  const [container]: ReadonlyArray<Json> = spec.containers
  const labels = set.spec.template.metadata?.labels ?? {}
  return {
    metadata: {
      name: probeName(set.metadata.name, side, operation),
      labels: {
        ...(side === "behind" ? { ...labels, [cloneLabel]: operation } : {}),
        [madeByAnnotation]: operation,
        [probeLabel]: side,
        "sidecar.istio.io/inject": "false"
      },
      annotations: { [madeByAnnotation]: operation, "linkerd.io/inject": "disabled" },
      // Of the set, so that nothing else which selects these labels takes it for its own.
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "StatefulSet",
          name: set.metadata.name,
          uid: set.metadata.uid ?? "",
          controller: true
        }
      ]
    },
    spec: {
      ...placementOf(spec),
      restartPolicy: "Never",
      activeDeadlineSeconds: lives,
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      containers: [
        {
          name: checkContainer,
          image: container.image,
          imagePullPolicy: container.imagePullPolicy === "Never" ? "Never" : "IfNotPresent",
          ...(container.securityContext == null ? {} : { securityContext: container.securityContext }),
          command: ["sh", "-c", script, "probe", side, ...addresses],
          terminationMessagePolicy: "FallbackToLogsOnError",
          // No Service sends anything to it, as it is never ready.
          readinessProbe: { tcpSocket: { port: 1 }, initialDelaySeconds: 3600 },
          resources: {
            requests: { cpu: "10m", memory: "16Mi" },
            limits: { cpu: "200m", memory: "128Mi" }
          }
        }
      ]
    }
  }
}

const codeOf = ({ status }: CheckPod): number | null =>
  status?.containerStatuses?.find(({ name }) => name === checkContainer)?.state?.terminated?.exitCode ?? null

/** The result of both pods. */
export type Verdict =
  | { readonly _tag: "Holds" }
  /** The network allows what the isolation should block. */
  | { readonly _tag: "Open" }
  | { readonly _tag: "Unknown"; readonly why: string }

export const verdictOf = (behind: CheckPod, beside: CheckPod): Verdict => {
  const [inner, outer] = [codeOf(behind), codeOf(beside)]
  if (inner === ends.source) return { _tag: "Open" }
  if (inner === ends.unable || outer === ends.unable)
    return { _tag: "Unknown", why: "its image has neither nc nor bash, with timeout, to test it" }
  if (outer === ends.none)
    return { _tag: "Unknown", why: "from this namespace nothing can be reached even without isolation" }
  if (inner === ends.none && (outer === ends.source || outer === ends.server)) return { _tag: "Holds" }
  // The API server alone may stand outside of all policies: then only the source tells.
  if (inner === ends.server && outer === ends.source) return { _tag: "Holds" }
  if (inner === ends.server && outer === ends.server) return { _tag: "Open" }
  return {
    _tag: "Unknown",
    why: `the pods that test it exited with ${inner ?? "nothing"} and ${outer ?? "nothing"}`
  }
}
