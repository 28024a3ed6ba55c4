/**
 * Every command that the checklist may print, with a situation in which it does so: how that is made of an
 * application that is well, and which objects the command may change. What is not in here has no test.
 */

/** The commands of a remedy, each as typed; none where it is words alone. */
export const commandsOf = (remedy: string): string | null =>
  /^kubectl |: kubectl /.test(remedy) ? remedy.slice(remedy.indexOf("kubectl ")) : null

const wordsOf = (command: string): ReadonlyArray<string> =>
  (command.match(/(?:[^\s']+|'[^']*')+/g) ?? []).map((word) => word.replaceAll("'", "")).slice(1)

const pathOf = (value: unknown): ReadonlyArray<string> => {
  const [entry] = typeof value === "object" && value !== null ? Object.entries(value).toReversed() : []
  return entry === undefined ? [] : [entry[0], ...pathOf(entry[1])]
}

const nouns: Readonly<Record<string, number>> = { secret: 2, service: 2 }

const shapeOfOne = (command: string): string => {
  const words = wordsOf(command)
  const [verb = "", noun = "", third = ""] = words
  const key = (word: string) => word.replace(/(=.*|-)$/, "")
  switch (verb) {
    case "create":
      return [verb, noun, ...(nouns[noun] === 2 ? [third] : [])].join(" ")
    case "patch":
      return [verb, noun, pathOf(JSON.parse(words[words.indexOf("-p") + 1] ?? "{}")).join(".")].join(" ")
    case "annotate":
    case "label":
    case "taint":
      return [verb, noun, key(words[3] ?? "")].join(" ")
    case "rollout":
    case "set":
      return [verb, noun, third].join(" ")
    case "logs":
    case "uncordon":
      return verb
    default:
      return [verb, noun].join(" ")
  }
}

/** A command without the names in it: `patch pv spec.persistentVolumeReclaimPolicy`. */
export const shapeOf = (commands: string): string => commands.split(" && ").map(shapeOfOne).join(" && ")

/** Arguments of kubectl, and what it reads. */
export interface Step {
  readonly args: ReadonlyArray<string>
  readonly input?: object
  /** Of an object without a namespace. */
  readonly cluster?: true
}

export interface Situation {
  readonly rule: string
  readonly shape: string
  /** The StatefulSet that is looked at: `db`, or `cache`. */
  readonly of?: "cache"
  readonly make: ReadonlyArray<Step>
  /** What the command may change, as `Kind/name`; at least one of them it must. */
  readonly changes: RegExp
  /** Makes the choices that the command leaves open. */
  readonly fill?: (commands: string, folder: string, time: number) => string
  /** It names one object after the other. */
  readonly repeats?: true
  /** How it is looked for. */
  readonly flags?: ReadonlyArray<string>
  /** Why the finding is there for all that: what it warns of is averted. */
  readonly stays?: string
  /** Question and rule of a No that is the price of the remedy. */
  readonly brings?: ReadonlyArray<string>
  /** Afterwards, where the remedy does not bring all back. */
  readonly undo?: ReadonlyArray<Step>
}

const rack = "topology.kubectl-stateful.dev/rack"
const zone = "topology.kubernetes.io/zone"

const step = (...args: ReadonlyArray<string>): Step => ({ args })
const cluster = (...args: ReadonlyArray<string>): Step => ({ args, cluster: true })
const apply = (input: object): Step => ({ args: ["apply", "-f", "-"], input })
const patch = (kind: string, name: string, spec: object): Step =>
  step("patch", kind, name, "--type=merge", "-p", JSON.stringify({ spec }))
const template = (spec: object): Step => patch("statefulset", "db", { template: { spec } })

const inFile =
  (name: string): NonNullable<Situation["fill"]> =>
  (commands, folder) =>
    commands.replace("FILE", `${folder}/${name}`)

const onlySet = /^StatefulSet\/db$/
const onlyVolumes = /^PersistentVolume\//
const newSnapshots =
  /^(VolumeSnapshot|VolumeGroupSnapshot|VolumeSnapshotContent)\/|^(Secret|ConfigMap)\/.*kubectl-stateful|^(Secret|ConfigMap)\/(sts-|snapshot|operation)/

/** In this order, on one application: each is well again after it, the last ones apart. */
export const situations: ReadonlyArray<Situation> = [
  {
    rule: "grace-period-zero",
    shape: "patch statefulset spec.template.spec.terminationGracePeriodSeconds",
    make: [template({ terminationGracePeriodSeconds: 0 })],
    changes: onlySet,
    // What no time to stop buys: the API forgets pods of a lost node at once, whether they run or not.
    brings: ["restart gone-node-keeps-pods"]
  },
  {
    rule: "fs-group-at-each-mount",
    shape: "patch statefulset spec.template.spec.securityContext.fsGroupChangePolicy",
    make: [template({ securityContext: { fsGroup: 999, fsGroupChangePolicy: "Always" } })],
    changes: onlySet
  },
  {
    rule: "budget-missing",
    shape: "create poddisruptionbudget",
    make: [step("delete", "poddisruptionbudget", "db")],
    changes: /^PodDisruptionBudget\/db$/
  },
  {
    rule: "budget-blocks",
    shape: "patch poddisruptionbudget spec.maxUnavailable",
    make: [patch("poddisruptionbudget", "db", { maxUnavailable: 0 })],
    changes: /^PodDisruptionBudget\/db$/
  },
  {
    rule: "budget-below-quorum",
    shape: "patch poddisruptionbudget spec.maxUnavailable",
    make: [patch("poddisruptionbudget", "db", { maxUnavailable: 2 })],
    changes: /^PodDisruptionBudget\/db$/
  },
  {
    rule: "budgets-overlap",
    shape: "delete poddisruptionbudget",
    make: [
      apply({
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name: "second" },
        spec: { minAvailable: 1, selector: { matchLabels: { app: "db" } } }
      })
    ],
    changes: /^PodDisruptionBudget\/second$/
  },
  {
    rule: "service-missing",
    shape: "create service clusterip",
    make: [step("delete", "service", "db")],
    changes: /^Service\/db$/
  },
  {
    rule: "service-missing",
    shape: "create service clusterip && set selector service",
    of: "cache",
    // One alone has no peers to find.
    make: [
      step("scale", "statefulset", "cache", "--replicas=2"),
      step("rollout", "status", "statefulset/cache", "--timeout=60s"),
      step("delete", "service", "cache")
    ],
    changes: /^Service\/cache$/,
    undo: [
      step("scale", "statefulset", "cache", "--replicas=1"),
      step("wait", "--for=delete", "pod/cache-1", "--timeout=60s")
    ]
  },
  {
    rule: "service-selects-others",
    shape: "set selector service",
    make: [patch("service", "db", { selector: { app: "nothing" } })],
    changes: /^Service\/db$/
  },
  {
    rule: "reference-missing",
    shape: "create serviceaccount",
    make: [step("delete", "serviceaccount", "runner")],
    changes: /^ServiceAccount\/runner$/
  },
  {
    rule: "reference-missing",
    shape: "create configmap",
    make: [step("delete", "configmap", "db-conf")],
    changes: /^ConfigMap\/db-conf$/,
    fill: inFile("settings")
  },
  {
    rule: "reference-missing",
    shape: "create secret generic",
    make: [step("delete", "secret", "db-pass")],
    changes: /^Secret\/db-pass$/,
    fill: inFile("password")
  },
  {
    rule: "reference-missing",
    shape: "create secret docker-registry",
    make: [step("delete", "secret", "pull")],
    changes: /^Secret\/pull$/,
    fill: inFile("registry")
  },
  {
    rule: "reference-key-missing",
    shape: "edit secret",
    make: [
      step("patch", "secret", "db-pass", "--type=merge", "-p", '{"data":{"password":null,"other":"eA=="}}')
    ],
    changes: /^Secret\/db-pass$/,
    flags: ["--check-keys"]
  },
  {
    rule: "two-default-classes",
    shape: "annotate volumesnapshotclass snapshot.storage.kubernetes.io/is-default-class",
    make: [],
    changes: /^VolumeSnapshotClass\/zz-remedies$/
  },
  {
    rule: "claims-go-with-workload",
    shape: "patch statefulset spec.persistentVolumeClaimRetentionPolicy.whenDeleted",
    make: [patch("statefulset", "db", { persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete" } })],
    changes: onlySet
  },
  {
    rule: "autoscaler-deletes-claims",
    shape: "patch statefulset spec.persistentVolumeClaimRetentionPolicy.whenScaled",
    make: [
      apply({
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "db" },
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" },
          minReplicas: 3,
          maxReplicas: 4
        }
      }),
      patch("statefulset", "db", { persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" } })
    ],
    changes: onlySet,
    undo: [step("delete", "horizontalpodautoscaler", "db")]
  },
  {
    rule: "no-snapshot",
    shape: "stateful snapshot",
    make: [],
    changes: newSnapshots
  },
  {
    rule: "snapshots-torn",
    shape: "stateful snapshot",
    make: [
      step("delete", "volumesnapshots,volumegroupsnapshots", "--all", "--wait=true"),
      ...["data-db-0", "wal-db-0", "data-db-1", "wal-db-1", "data-db-2", "wal-db-2"].map((claim) =>
        apply({
          apiVersion: "snapshot.storage.k8s.io/v1",
          kind: "VolumeSnapshot",
          metadata: { name: `alone-${claim}` },
          spec: { source: { persistentVolumeClaimName: claim } }
        })
      )
    ],
    changes: newSnapshots
  },
  {
    rule: "node-cordoned",
    shape: "uncordon",
    // Its replicas are kept apart, and no other node is left to them either.
    make: [cluster("cordon", "--selector=!none")],
    changes: /^Node\//,
    repeats: true,
    undo: [cluster("uncordon", "--selector=!none")]
  },
  {
    rule: "replicas-share-rack",
    shape: `label node ${rack}`,
    // Nodes of different zones are in different racks.
    make: [
      cluster("label", "node", "NODE-OF-db-0", "NODE-OF-db-1", "NODE-OF-db-2", `${zone}-`),
      cluster("label", "node", "NODE-OF-db-1", "NODE-OF-db-2", `${rack}-`)
    ],
    changes: /^Node\//,
    fill: (commands, _, time) => commands.replace(/RACK$/, `rack-${time}`),
    repeats: true
  },
  {
    rule: "rollout-stuck",
    shape: "rollout undo statefulset && delete pod",
    make: [
      patch("statefulset", "db", {
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } }
      }),
      template({
        containers: [
          { name: "postgres", image: "docker.io/local/postgres:no-such", imagePullPolicy: "Never" }
        ]
      })
    ],
    changes: /^(StatefulSet\/db|Pod\/db-2)$/
  },
  {
    rule: "volumes-go-with-claims",
    shape: "patch pv spec.persistentVolumeReclaimPolicy",
    make: [],
    changes: onlyVolumes
  },
  {
    rule: "claim-being-deleted",
    shape: "patch pv spec.persistentVolumeReclaimPolicy",
    make: [
      cluster(
        "patch",
        "pv",
        "VOLUME-OF-data-db-0",
        "--type=merge",
        "-p",
        '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}'
      ),
      step("delete", "pvc", "data-db-0", "--wait=false")
    ],
    changes: onlyVolumes,
    stays: "no deletion is taken back; the volume outlives it"
  }
]

/** Found by the same situation as another rule, or made by hand in the suite: the rule and the command. */
export const elsewhere: ReadonlyArray<readonly [rule: string, shape: string, where: string]> = [
  ["node-lost", "taint node node.kubernetes.io/out-of-service", "a test of its own: a node is lost for it"],
  ["terminating-on-lost-node", "taint node node.kubernetes.io/out-of-service", "the same test"],
  ["node-gone", "delete pod", "a test of its own: a node is deleted for it"],
  ["waits-for-cordoned-node", "uncordon", "as node-cordoned"],
  ["claim-not-bound", "delete pod", "causes.test.ts, in the sandbox: the StatefulSet is recreated for it"],
  // A day would have to pass; what it finds is the age of the newest, which is then of now.
  ["snapshot-too-old", "stateful snapshot", "as no-snapshot"],
  // The finding is of the cluster and stays; what the command is for is a set of one moment.
  ["claims-across-drivers", "stateful snapshot", "consistency.test.ts: the offline sets"],
  ["group-api-missing", "stateful snapshot", "the same"],
  ["group-class-missing", "stateful snapshot", "the same"],
  ["group-cut-apart", "stateful snapshot", "the same"]
]

/** Commands that only look, as shapes: each is run as printed. */
export const looks: ReadonlySet<string> = new Set([
  "get statefulset",
  "get nodes",
  "get storageclass",
  "get priorityclass",
  "get runtimeclass",
  "describe statefulset",
  "describe pod",
  "describe pvc",
  "describe volumesnapshot",
  "logs"
])
