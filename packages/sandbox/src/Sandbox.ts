/** A small cluster in memory: an API server with its store, and the port to it. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import * as Access from "./apiserver/Access.ts"
import { Admission, type Webhook } from "./registry/Admission.ts"
import { Api } from "./apiserver/Api.ts"
import type { Draft, KubeObject } from "./apimachinery/KubeObject.ts"
import { Processes } from "./node/Processes.ts"
import { Registry } from "./registry/Registry.ts"
import { namespaces, nodes, serviceaccounts } from "./registry/kinds/core.ts"
import { standard } from "./registry/kinds/index.ts"
import { qualified, type ResourceType } from "./apimachinery/ResourceType.ts"
import { hasVolumes, volumesOn } from "./controller/Attach.ts"
import { run } from "./controller/Controller.ts"
import { deploymentController } from "./controller/Deployment.ts"
import { disruptionBudgets } from "./controller/DisruptionBudgets.ts"
import { endpointSlices } from "./controller/EndpointSlices.ts"
import { ephemeralVolumes } from "./controller/EphemeralVolumes.ts"
import { garbageCollector } from "./controller/GarbageCollector.ts"
import { kubelet } from "./node/Kubelets.ts"
import { namespaceController } from "./controller/Namespace.ts"
import { nodeLifecycle, type NodeLifecycleOptions } from "./controller/NodeLifecycle.ts"
import type { Cause, Loss } from "./node/NodeLoss.ts"
import { Pace, type PaceOptions } from "./controller/Pace.ts"
import { podGarbageCollector } from "./controller/PodGarbageCollector.ts"
import { PodsByNode } from "./registry/PodsByNode.ts"
import { quotaUsage } from "./controller/QuotaUsage.ts"
import { Recorder } from "./controller/Recorder.ts"
import type { Provisioning } from "./controller/Provisioner.ts"
import { replicaSetController } from "./controller/ReplicaSet.ts"
import { type Rival, Rivals } from "./controller/Rivals.ts"
import { scheduler } from "./node/Scheduler.ts"
import { statefulSetController } from "./controller/StatefulSet.ts"
import { storageControllers } from "./controller/StorageControllers.ts"
import { taintEviction } from "./controller/TaintEviction.ts"
import {
  csiDriver,
  node,
  type NodeOptions,
  snapshotClasses,
  storageClasses,
  threeZones
} from "./node/Nodes.ts"
import type { Programs } from "./node/Program.ts"
import { type Snapshot, Storage, type StorageOptions } from "./storage/Storage.ts"
import type { Volume } from "./storage/Volume.ts"
import { notImplemented } from "./apimachinery/Status.ts"
import { Store } from "./registry/Store.ts"
import { forUser } from "./SandboxCluster.ts"

export interface Options {
  /** Custom resources to serve in addition to the built-in ones; see `resourceType`. */
  readonly resources?: ReadonlyArray<ResourceType>
  /** Standard resources to leave out, such as `volumesnapshots.snapshot.storage.k8s.io`. */
  readonly without?: ReadonlyArray<string>
  /** The number of changes kept per resource; a watch from before them gets a 410. Default 8192. */
  readonly historySize?: number
  /** Default: three, one a zone. */
  readonly nodes?: ReadonlyArray<NodeOptions>
  /** Only the API: no nodes, no StorageClasses, and no controllers. Default false. */
  readonly bare?: boolean
  /** The program of each container. Default: a program that does nothing and is ready. */
  readonly programs?: Programs
  /** From a pod on its node to its containers running. Default 1000. */
  readonly startMillis?: number
  /** Between a change and the controllers' answer to it. Default 0. */
  readonly reactionMillis?: number
  /** Controllers and kubelets create events. Default true. */
  readonly events?: boolean
  /** Pods and Services that ask for it have addresses of both families. Default false. */
  readonly dualStack?: boolean
  /** The StatefulSet controller's own rate limit. Default: none. As a real one has it: `{ perSecond: 20 }`. */
  readonly pace?: PaceOptions
  /** Timeouts for a silent node. */
  readonly nodeLifecycle?: NodeLifecycleOptions
  /** The behaviour of the storage. */
  readonly storage?: StorageOptions
  /** The behaviour of StorageClasses, by name. */
  readonly provisioning?: Readonly<Record<string, Provisioning>>
  /** Namespaces in addition to `default`, `kube-system`, `kube-public` and `kube-node-lease`. */
  readonly namespaces?: ReadonlyArray<string>
}

/**
 * The handle of a test. Its methods take effect at once and need no permission; `cluster` is for the code
 * under test.
 */
export interface Shape {
  /** The port, as an administrator. */
  readonly cluster: Cluster["Service"]
  /** The port, as a user with rules of its own, and with the Roles that are bound to it. */
  readonly as: (user: Access.User) => Cluster["Service"]
  readonly api: Api
  readonly registry: Registry
  readonly store: Store
  readonly processes: Processes
  /** The bytes of each volume, by its handle. */
  readonly volumes: Map<string, Volume>
  /** The snapshots in the storage, by their handles. */
  readonly cuts: ReadonlyMap<string, Snapshot>
  /**
   * Silences a node. Its pods keep reporting Running; after the grace period of `nodeLifecycle` they are
   * not ready. `network`, the default: their containers keep running, out of reach. `power`: they have
   * ended, and unsynced writes are lost.
   */
  readonly loseNode: (name: string, cause?: Cause) => void
  /** Hears of it again, at once. */
  readonly findNode: (name: string) => void
  /** A client that sets a workload's replicas back, until you call the returned function. */
  readonly rival: (rival: Rival) => () => void
  /** Creates an object, as `kubectl create` would. */
  readonly create: (object: Draft) => KubeObject
  /** Refuses writes as a validating webhook does, until the answer is called. */
  readonly refuse: (webhook: Webhook) => () => void
  /** Drops all history: watches and lists from older versions get a 410. */
  readonly compact: () => void
}

export class Sandbox extends Context.Service<Sandbox, Shape>()("@kubectl-stateful/sandbox/Sandbox") {
  /** The sandbox and the port to it. */
  static readonly layer = (options: Options = {}): Layer.Layer<Sandbox | Cluster> =>
    Layer.effectContext(
      Effect.map(make(options), (sandbox) =>
        Context.make(Sandbox, sandbox).pipe(Context.add(Cluster, sandbox.cluster))
      )
    )
}

/**
 * Uses the Clock and the Random of its context: seed them to get the same cluster again. Its controllers and
 * programs end with the scope.
 */
export const make = (options: Options = {}): Effect.Effect<Shape, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const random = yield* Random.Random
    const store = new Store(options.historySize)
    const webhooks = new Set<Webhook>()
    const registry = new Registry(
      store,
      () => clock.currentTimeMillisUnsafe(),
      () => random.nextDoubleUnsafe(),
      new Admission(webhooks)
    )
    const types = [
      ...standard.filter((type) => options.without?.includes(qualified(type)) !== true),
      ...(options.resources ?? [])
    ]
    const api = new Api(registry, types)
    const processes = new Processes()
    const storage = new Storage(options.storage)
    const { volumes } = storage
    const losses = new Map<string, Loss>()
    const byNode = new PodsByNode(store)
    const recorder = new Recorder(registry, options.events)
    const rivals = new Rivals(registry)
    const create = (object: Draft): KubeObject => {
      const type = types.find(
        (each) =>
          each.kind === object.kind &&
          each.versions.some(
            (version) => (each.group === "" ? version : `${each.group}/${version}`) === object.apiVersion
          )
      )
      if (type === undefined) throw notImplemented(`objects of ${object.apiVersion} ${object.kind}`)
      const namespace = type.namespaced ? (object.metadata.namespace ?? "default") : undefined
      return registry.create(type, namespace, object, { manager: "kubectl-create" })
    }
    for (const name of [
      "default",
      "kube-system",
      "kube-public",
      "kube-node-lease",
      ...(options.namespaces ?? [])
    ]) {
      registry.create(namespaces, undefined, { apiVersion: "v1", kind: "Namespace", metadata: { name } })
      registry.create(serviceaccounts, name, {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "default" }
      })
    }
    for (const [index, each] of (options.nodes ?? (options.bare === true ? [] : threeZones)).entries()) {
      registry.create(nodes, undefined, node(each, index, registry.now()))
    }
    if (options.bare !== true) {
      const isServed = ({ kind }: Draft): boolean => types.some((type) => type.kind === kind)
      for (const draft of [csiDriver, ...storageClasses, ...snapshotClasses].filter(isServed)) create(draft)
    }
    yield* Effect.addFinalizer(() => processes.end)
    const context = yield* Effect.context<Scope.Scope>()
    const kubelets = kubelet(
      registry,
      {
        volumes,
        hasVolumes: (pod) => hasVolumes(registry, pod),
        processes,
        losses,
        byNode,
        recorder,
        dualStack: options.dualStack === true,
        ...(options.programs === undefined ? {} : { programs: options.programs }),
        ...(options.startMillis === undefined ? {} : { startMillis: options.startMillis })
      },
      context
    )
    if (options.bare !== true) {
      yield* run(
        registry,
        [
          namespaceController(registry, types),
          garbageCollector(registry, types),
          statefulSetController(registry, { pace: new Pace(registry, options.pace), recorder, byNode }),
          ...storageControllers(registry, {
            storage,
            recorder,
            lost: losses,
            provisioning: options.provisioning
          }),
          ephemeralVolumes(registry),
          scheduler(registry, byNode, recorder),
          kubelets.controller,
          nodeLifecycle(registry, losses, byNode, options.nodeLifecycle),
          taintEviction(registry, byNode, recorder),
          podGarbageCollector(registry, byNode),
          endpointSlices(registry),
          disruptionBudgets(registry, recorder),
          quotaUsage(registry, types),
          replicaSetController(registry, recorder),
          deploymentController(registry, recorder),
          rivals.controller,
          recorder.controller
        ],
        options.reactionMillis === undefined ? {} : { reactionMillis: options.reactionMillis }
      )
    }
    return {
      volumes,
      cuts: storage.snapshots,
      loseNode: (name, cause = "network") => {
        kubelets.lose(name, cause)
        if (cause === "power") for (const handle of volumesOn(registry, name)) volumes.get(handle)?.cutPower()
      },
      findNode: kubelets.find,
      rival: (rival) => rivals.add(rival),
      cluster: forUser(api, processes, Access.admin),
      as: (user) => forUser(api, processes, user),
      api,
      registry,
      store,
      processes,
      create,
      refuse: (webhook) => {
        webhooks.add(webhook)
        return () => {
          webhooks.delete(webhook)
        }
      },
      compact: () => store.compact()
    }
  })
