/**
 * Small sets for suites in which a second person acts between two calls of an operation.
 *
 * A pod writes its own uid into its volume where that is empty: whatever mounts the volume later can
 * tell whose data it is. A gate is a file in the volume: what waits there goes on once it is opened,
 * so that the second person acts while the operation stands still at a known place.
 */
import { assert } from "vitest"
import { kubectl } from "./commands.ts"
import { get } from "./read.ts"

export interface SetOptions {
  readonly replicas: number
  /** Default: Retain. */
  readonly whenScaled?: "Retain" | "Delete"
  /** Default: the cluster's. */
  readonly storageClass?: string
  /** Pods that, once asked to go, wait at the gate `end`. */
  readonly holds?: ReadonlyArray<string>
}

const container = (holds: ReadonlyArray<string>) => ({
  name: "main",
  image: "docker.io/local/busybox:1",
  imagePullPolicy: "Never",
  env: [{ name: "ME", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } }],
  command: [
    "sh",
    "-c",
    // The trap first: a TERM before it would be waited for until the grace period is over.
    'trap "exit 0" TERM; cd /data; [ -e mark ] || { echo "$ME" > mark; sync; }; sleep 3600 & wait'
  ],
  volumeMounts: [{ name: "data", mountPath: "/data" }],
  ...(holds.length === 0 ? {} : { lifecycle: { preStop: { exec: { command: waitsAt("end", holds) } } } })
})

/** A shell's words that wait at a gate in the pods of these names, and nowhere else. */
export const waitsAt = (gate: string, pods: ReadonlyArray<string>): ReadonlyArray<string> => [
  "sh",
  "-c",
  `case $HOSTNAME in ${pods.join("|")}) until [ -e /data/${gate} ]; do sleep 0.1; done;; esac`
]

export const statefulSet = ({ replicas, whenScaled = "Retain", storageClass, holds = [] }: SetOptions) => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db" },
  spec: {
    replicas,
    serviceName: "db",
    selector: { matchLabels: { app: "db" } },
    persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted: "Retain" },
    template: {
      metadata: { labels: { app: "db" } },
      spec: { terminationGracePeriodSeconds: 60, containers: [container(holds)] }
    },
    volumeClaimTemplates: [{ metadata: { name: "data" }, spec: claimSpec(storageClass) }]
  }
})

const claimSpec = (storageClassName: string | undefined) => ({
  accessModes: ["ReadWriteOnce"],
  resources: { requests: { storage: "64Mi" } },
  ...(storageClassName === undefined ? {} : { storageClassName })
})

/** A claim as a person makes it by hand, under a name that the set `db` will need. */
export const claim = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name, labels: { app: "db" }, ...metadata },
  spec: { ...claimSpec("shared"), ...spec }
})

/** A Job that writes into a claim and ends. */
export const jobOn = (claimName: string) => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "writes" },
  spec: {
    template: {
      spec: {
        restartPolicy: "Never",
        containers: [{ ...container([]), command: ["sh", "-c", "echo backup > /data/mark; sync"] }],
        volumes: [{ name: "data", persistentVolumeClaim: { claimName } }]
      }
    }
  }
})

/** One replica as it was before anybody acted: its claim, its volume, and what its pod wrote there. */
export interface Member {
  readonly pod: string
  readonly claim: string
  readonly uid: string
  readonly volume: string
  readonly mark: string
}

interface Object {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly annotations?: Readonly<Record<string, string>>
  }
}
interface StatefulSet extends Object {
  readonly metadata: Object["metadata"] & { readonly generation?: number }
  readonly spec: {
    readonly replicas: number
    readonly persistentVolumeClaimRetentionPolicy: { readonly whenScaled: string }
  }
  readonly status?: { readonly observedGeneration?: number }
}
interface List<T> {
  readonly items: ReadonlyArray<T>
}

/** A namespace with the set `db` of its own. */
export const neighbourhood = (name: string, options: SetOptions) => {
  const n = ["-n", name]
  const ready = () => kubectl(["rollout", "status", "sts/db", ...n, "--timeout=120s"])
  const set = () => get<StatefulSet>(["sts/db", ...n])
  const patch = (object: string, merge: object) =>
    kubectl(["patch", object, ...n, "--type=merge", "-p", JSON.stringify(merge)])
  /** Its claims by name. */
  const claims = async () => {
    const { items } = await get<List<Object & { readonly spec: { readonly volumeName?: string } }>>([
      "pvc",
      ...n
    ])
    return new Map(
      items.map(({ metadata: { name: claimName, uid }, spec }) => [
        claimName,
        { claim: claimName, uid, volume: spec.volumeName ?? "" }
      ])
    )
  }
  return {
    name,
    n,
    manifests: [
      { apiVersion: "v1", kind: "Namespace", metadata: { name } },
      { ...statefulSet(options), metadata: { name: "db", namespace: name } }
    ],
    ready,
    /** Its replicas, once all of them are ready. */
    members: async (): Promise<ReadonlyArray<Member>> => {
      await ready()
      const pods = await get<List<Object>>(["pods", ...n, "-l", "app=db"])
      const all = await claims()
      return pods.items.map(({ metadata }) => {
        const mine = all.get(`data-${metadata.name}`) ?? assert.fail(`${metadata.name} has no claim`)
        return { ...mine, pod: metadata.name, mark: metadata.uid }
      })
    },
    apply: (...items: ReadonlyArray<object>) =>
      kubectl(["apply", ...n, "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items })),
    patch,
    open: (gate: string, pod: string) => kubectl(["exec", ...n, pod, "--", "touch", `/data/${gate}`]),
    claims,
    removeClaim: (name: string) => kubectl(["delete", "pvc", name, ...n, "--wait=false"]),
    hasPhase: (object: string, phase: string) =>
      kubectl(["wait", object, ...n, `--for=jsonpath={.status.phase}=${phase}`, "--timeout=60s"]),
    /** Somebody has asked for its removal. */
    leaves: (object: string) =>
      kubectl(["wait", object, ...n, "--for=jsonpath={.metadata.deletionTimestamp}", "--timeout=60s"]),
    isGone: (...objects: ReadonlyArray<string>) =>
      Promise.all(objects.map((object) => kubectl(["wait", object, ...n, "--for=delete", "--timeout=60s"]))),
    /** Sets whenScaled to Delete; resolves once the controller has acted by it, or by what was set since. */
    flip: async () => {
      await patch("sts/db", { spec: { persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" } } })
      const { metadata } = await set()
      await until("the controller has seen whenScaled Delete", async () =>
        ((await set()).status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) ? true : null
      )
    },
    whenScaled: async (): Promise<string> =>
      (await set()).spec.persistentVolumeClaimRetentionPolicy.whenScaled,
    replicas: async (): Promise<number> => (await set()).spec.replicas,
    annotations: async (): Promise<ReadonlyArray<string>> =>
      Object.keys((await set()).metadata.annotations ?? {})
  }
}
export type Neighbourhood = ReturnType<typeof neighbourhood>

/** Asks until there is an answer; null: not yet. */
export const until = async <A>(what: string, ask: () => Promise<A | null>, seconds = 120): Promise<A> => {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer !== null) return answer
    if (Date.now() > end) return assert.fail(`not within ${seconds} s: ${what}`)
    await new Promise((resume) => setTimeout(resume, 250))
  }
}
