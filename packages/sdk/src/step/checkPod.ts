/**
 * The pod that checks a restored volume before the application gets it: mounted by the kubelet, on a node
 * where the application can run, and read as the application's user.
 *
 * It runs the application's image and never its entrypoint. It carries none of the application's labels, so
 * no Service sends to it and no budget counts it; it has no token, opens no port, and ends by itself.
 */
import { madeByAnnotation, proverLabel, managedBy } from "../Labels.ts"
import type { Holder } from "./holder.ts"
import { writeCommand, type WrittenFile } from "./writeBack.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- parts of a pod spec, handed on as they are
type Json = any

/** The name of its container. */
export const checkContainer = "prove"

/** A restored claim, and the template that it will be of. */
export interface Proven {
  readonly template: string
  readonly claim: string
}

/** Seconds after which the kubelet ends the pod, even if its creator has ended. */
const lives = 3600

/** The mount path of a template's volume. */
const pathOf = (template: string): string => `/prove/${template}`

/** The container that runs a profile's command. */
export const verifyContainer = "verify"

/** Containers that run before those, one after the other. */
export const writeContainer = "write-back"
export const beforeStartContainer = "before-start"

/** The tasks of a profile on the volumes of one ordinal, in addition to reading them. */
export interface Errands {
  readonly writes?: ReadonlyArray<WrittenFile>
  /** An argv, with all filled in. */
  readonly beforeStart?: ReadonlyArray<string>
  readonly verify?: ReadonlyArray<string>
}

/** Exit codes of the check. */
export const isEmpty = 2
export const isUnreadable = 3

/**
 * Reads each path: it contains something other than the file system's own files, with an owner and a mode by
 * which its user can read some of it, and write. A block device returns a byte. A path after `ro:` need not
 * be writable.
 */
export const script = `
for path in "$@"; do
  own=
  case $path in ro:*) own=1; path=\${path#ro:};; esac
  name=\${path##*/}
  if [ -b "$path" ]; then
    dd if="$path" bs=512 count=1 of=/dev/null 2>/dev/null || { echo "volume $name cannot be read"; exit ${isUnreadable}; }
    continue
  fi
  if ! [ -r "$path" ] || ! [ -x "$path" ]; then
    echo "volume $name cannot be read by user $(id -u)"; exit ${isUnreadable}
  fi
  found= open=
  [ -w "$path" ] && own=1
  for file in "$path"/* "$path"/.[!.]*; do
    [ -e "$file" ] || [ -L "$file" ] || continue
    [ "\${file##*/}" = lost+found ] && continue
    found=1
    if [ -L "$file" ]; then open=1
    elif [ -r "$file" ] && { ! [ -d "$file" ] || [ -x "$file" ]; }; then open=1; fi
    [ -w "$file" ] && own=1
    [ -n "$open" ] && [ -n "$own" ] && break
  done
  [ -n "$found" ] || { echo "volume $name is empty"; exit ${isEmpty}; }
  [ -n "$open" ] || { echo "nothing on volume $name can be read by user $(id -u)"; exit ${isUnreadable}; }
  [ -n "$own" ] || { echo "nothing on volume $name can be written by user $(id -u)"; exit ${isUnreadable}; }
done`

/** Terms that keep replicas apart also keep check pods apart, but not from the pods of the application. */
const apart = (terms: ReadonlyArray<Json> | undefined, id: string, weighted: boolean): Json =>
  terms?.map((term) => {
    const own = (one: Json) => ({
      topologyKey: one.topologyKey,
      labelSelector: { matchLabels: { [proverLabel]: id } }
    })
    return weighted ? { weight: term.weight, podAffinityTerm: own(term.podAffinityTerm) } : own(term)
  })

const affinityOf = (affinity: Json, id: string): Json => {
  const { nodeAffinity, podAntiAffinity } = affinity ?? {}
  const hard = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const soft = podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution
  return {
    ...(nodeAffinity === undefined ? {} : { nodeAffinity }),
    ...(podAntiAffinity === undefined
      ? {}
      : {
          podAntiAffinity: {
            ...(hard === undefined
              ? {}
              : { requiredDuringSchedulingIgnoredDuringExecution: apart(hard, id, false) }),
            ...(soft === undefined
              ? {}
              : { preferredDuringSchedulingIgnoredDuringExecution: apart(soft, id, true) })
          }
        })
  }
}

/** The fields of a pod spec that decide where a pod can run and which files its user can read. */
const kept = [
  // Without a token of it: what may be pulled, and which user may be run as, can hang on its account.
  "serviceAccountName",
  "nodeSelector",
  "tolerations",
  "runtimeClassName",
  "schedulerName",
  "imagePullSecrets",
  "securityContext",
  "hostUsers",
  "os",
  "priorityClassName"
] as const

/** The scheduling constraints and the user of a pod spec, for another pod that runs in its place. */
export const placementOf = (spec: Json): Json =>
  Object.fromEntries(kept.flatMap((name) => (spec[name] == null ? [] : [[name, spec[name]]])))

/** The container that has the volumes: the first that mounts one of them. */
export const containerOf = (containers: ReadonlyArray<Json>, templates: ReadonlyArray<string>): Json =>
  containers.find((one) =>
    [...(one.volumeMounts ?? []), ...(one.volumeDevices ?? [])].some(({ name }: Json) =>
      templates.includes(name)
    )
  ) ?? containers[0]

export const checkPodName = (set: string, ordinal: number | string, id: string): string =>
  `${set.slice(0, 200)}-${ordinal}-prove-${id}`

/** Less than the application's own: the check pod runs next to it. */
export const checkPodResources = {
  requests: { cpu: "10m", memory: "16Mi" },
  limits: { cpu: "200m", memory: "256Mi" }
} as const

/** Templates whose volume is only read, or is given its owner by an init container before it is used. */
const isLax = (spec: Json, container: Json, template: string): boolean =>
  (container.volumeMounts ?? []).some((one: Json) => one.name === template && one.readOnly === true) ||
  (spec.initContainers ?? []).some((one: Json) =>
    (one.volumeMounts ?? []).some(({ name }: Json) => name === template)
  )

/** The mount path of each template's volume. */
export const pathsOf = (claims: ReadonlyArray<Pick<Proven, "template">>): ReadonlyMap<string, string> =>
  new Map(claims.map(({ template }) => [template, pathOf(template)]))

/** The common fields of all containers of the check pod, and its mount paths. */
const containersBase = (set: Holder, container: Json, claims: ReadonlyArray<Proven>) => {
  const modes = new Map(
    (set.spec.volumeClaimTemplates ?? []).map((one) => [
      one.metadata.name,
      one.spec?.volumeMode ?? "Filesystem"
    ])
  )
  const { containers }: Json = set.spec.template.spec
  // Of a claim without a template the containers tell.
  const isBlock = ({ template }: Proven): boolean =>
    modes.get(template) === "Block" ||
    containers.some((one: Json) => one.volumeDevices?.some(({ name }: Json) => name === template))
  const blocks = claims.filter(isBlock)
  const files = claims.filter((claim) => !isBlock(claim))
  const own = {
    image: container.image,
    // The nodes have it already, whether its registry answers or not.
    imagePullPolicy: container.imagePullPolicy === "Never" ? "Never" : "IfNotPresent",
    ...(container.securityContext == null ? {} : { securityContext: container.securityContext }),
    terminationMessagePolicy: "FallbackToLogsOnError",
    resources: checkPodResources,
    ...(files.length === 0
      ? {}
      : { volumeMounts: files.map(({ template }) => ({ name: template, mountPath: pathOf(template) })) }),
    ...(blocks.length === 0
      ? {}
      : { volumeDevices: blocks.map(({ template }) => ({ name: template, devicePath: pathOf(template) })) })
  }
  return { own, paths: files.map(({ template }) => pathOf(template)) }
}

/** The init containers of the check pod: write back, then the profile's preparation. */
const initContainersOf = (
  own: object,
  paths: ReadonlyArray<string>,
  { writes, beforeStart }: Errands
): ReadonlyArray<object> => [
  ...(writes === undefined ? [] : [{ ...own, name: writeContainer, command: writeCommand(paths, writes) }]),
  ...(beforeStart === undefined ? [] : [{ ...own, name: beforeStartContainer, command: beforeStart }])
]

/**
 * The check pod of one ordinal's claims; `errands` are the commands of a profile that run before and in it.
 */
export const checkPod = (
  set: Holder,
  ordinal: number | string,
  id: string,
  claims: ReadonlyArray<Proven>,
  errands: Errands = {}
): object => {
  const spec: Json = set.spec.template.spec
  const container = containerOf(
    spec.containers,
    claims.map(({ template }) => template)
  )
  const { own, paths } = containersBase(set, container, claims)
  const first = initContainersOf(own, paths, errands)
  const { verify } = errands
  return {
    metadata: {
      name: checkPodName(set.metadata.name, ordinal, id),
      labels: {
        ...managedBy,
        [proverLabel]: id,
        // A mesh's proxy is of no use to a pod without a port.
        "sidecar.istio.io/inject": "false"
      },
      annotations: { [madeByAnnotation]: id, "linkerd.io/inject": "disabled" }
    },
    spec: {
      ...placementOf(spec),
      affinity: affinityOf(spec.affinity, id),
      topologySpreadConstraints: (spec.topologySpreadConstraints ?? []).map((one: Json) => ({
        maxSkew: one.maxSkew,
        topologyKey: one.topologyKey,
        whenUnsatisfiable: one.whenUnsatisfiable,
        labelSelector: { matchLabels: { [proverLabel]: id } }
      })),
      restartPolicy: "Never",
      activeDeadlineSeconds: lives,
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...(first.length === 0 ? {} : { initContainers: first }),
      containers: [
        {
          ...own,
          name: checkContainer,
          command: [
            "sh",
            "-c",
            script,
            "prove",
            ...claims.map(
              ({ template }) => `${isLax(spec, container, template) ? "ro:" : ""}${pathOf(template)}`
            )
          ]
        },
        ...(verify === undefined ? [] : [{ ...own, name: verifyContainer, command: verify }])
      ],
      volumes: claims.map(({ template, claim }) => ({
        name: template,
        persistentVolumeClaim: { claimName: claim }
      }))
    }
  }
}
