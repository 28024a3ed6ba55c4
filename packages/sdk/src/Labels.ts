/** Every label and annotation that this project writes or reads: its objects, and its meaning. */

/** The label of Kubernetes' own recommendation by which all objects of this project are found. */
export const managedByLabel = "app.kubernetes.io/managed-by"
export const managedBy = { [managedByLabel]: "kubectl-stateful" } as const

/** The selector of those that have this label too. */
export const managedWith = (label: string): string => `${managedByLabel}=kubectl-stateful,${label}`

/** The annotation with the token on an object. */
export const operationAnnotation = "kubectl-stateful.dev/operation"

/** The path of an annotation in a JSON patch. */
export const annotationPath = (name: string): string =>
  `/metadata/annotations/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`

/** On an object that an operation created: the operation. It stays when the token is removed. */
export const madeByAnnotation = "kubectl-stateful.dev/made-by"

/** On a guarded object, next to the token: the plan that its operation was started with. */
export const planAnnotation = "kubectl-stateful.dev/plan"

/** On an object that an operation created: the operation has finished. No journal can reopen it. */
export const endedAnnotation = "kubectl-stateful.dev/ended"

/** The process that holds the Lease, so that others on its machine can see whether it has exited. */
export const holderProcessAnnotation = "kubectl-stateful.dev/holder-process"

/** Labels: the operation's id, and the StatefulSet it acts on. */
export const operationLabel = "kubectl-stateful.dev/operation"
export const appLabel = "kubectl-stateful.dev/app"

/** Annotations: `scale`, `snapshot`, `restore`; the path in the journal; the user or process that runs it. */
export const verbAnnotation = "kubectl-stateful.dev/verb"
export const phaseAnnotation = "kubectl-stateful.dev/phase"
export const holderAnnotation = "kubectl-stateful.dev/holder"
/** The objects that it owns while it runs, as `StatefulSet/shop/db`, with spaces between. */
export const guardsAnnotation = "kubectl-stateful.dev/guards"

/** On a volume: its reclaim policy before an operation of ours set it to Retain. */
export const reclaimPolicyBeforeAnnotation = "kubectl-stateful.dev/reclaim-policy-before"

/** On snapshots and groups of ours: the set that they belong to. Members of a group carry no labels. */
export const setLabel = "kubectl-stateful.dev/set"

/** On a content that is deleted, and whose sidecar has missed that: when it was woken. */
export const wokenAnnotation = "kubectl-stateful.dev/woken"

/** On the ConfigMap of a record: the consistency of its snapshot. It is only shown, and decides nothing. */
export const levelAnnotation = "kubectl-stateful.dev/level"

/** On that ConfigMap: it belongs to a record. */
export const recordLabel = "kubectl-stateful.dev/record"

/** On a StatefulSet: the record of what the last restore replaced. */
export const configBeforeAnnotation = "kubectl-stateful.dev/config-before"

/** The StatefulSet that a claim was set aside from. */
export const setAsideLabel = "kubectl-stateful.dev/set-aside"

/** The text of a profile file, in YAML or JSON. */
export const profileAnnotation = "kubectl-stateful.dev/profile"

/** On a pod that is about to leave; its value is the time, or the reason. */
export const drainingAnnotation = "kubectl-stateful.dev/draining"

/** On such a namespace: the snapshot that was rehearsed. */
export const drillLabel = "kubectl-stateful.dev/drill"

/** On a StatefulSet: its retention policy before an operation of ours changed it. */
export const retentionBeforeAnnotation = "kubectl-stateful.dev/retention-before"

/** On a fence: the StatefulSet that it is around. */
export const fencedLabel = "kubectl-stateful.dev/fences"

/** On claims while they are snapshotted: the operation of their group. */
export const cutWithLabel = "kubectl-stateful.dev/cut-with"

/** On a check pod: the operation that created it. */
export const proverLabel = "kubectl-stateful.dev/prover"

/** The previous number of replicas, on a StatefulSet that was scaled to zero. */
export const replicasAnnotation = "kubectl-stateful.dev/replicas"

/** On the object of a volume snapshot: the proof that its application was quiesced. */
export const quiescedAnnotation = "kubectl-stateful.dev/quiesced"

/** The selector of the ConfigMaps of records. */
export const recordLabels = managedWith(recordLabel)

/**
 * On a content: its deletion policy before an operation set it to Retain, and which operation that was.
 * Labels, since its controller replaces all annotations by those that it has seen last.
 */
export const deletionPolicyBeforeLabel = "kubectl-stateful.dev/deletion-policy-before"
export const setByLabel = "kubectl-stateful.dev/set-by"

/** The time at which it was last kept: it changes the version that a previous process would delete by. */
export const keptByAnnotation = "kubectl-stateful.dev/kept-by"

/** On a claim that an operation filled, until its volume is about to take its place: by that operation's id. */
export const notUsedYetAnnotation = "kubectl-stateful.dev/not-used-yet"

/** On a claim that was set aside, wherever its volume is used: by which operation first, as its name says. */
export const setAsideByAnnotation = "kubectl-stateful.dev/set-aside-by"

/** On such a pod: on which side of the fence it is. */
export const probeLabel = "kubectl-stateful.dev/fence-probe"

/** On a restored pod: the operation that restored it, by which its fence knows it. */
export const cloneLabel = "kubectl-stateful.dev/restored-by"

/** `null` if the journal does not contain it. */
export const guardsOf = (annotations: Readonly<Record<string, string>>): ReadonlyArray<string> | null =>
  annotations[guardsAnnotation]?.split(" ") ?? null
