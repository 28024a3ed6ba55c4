/** A small cluster in memory: an API server with its store, and the port to it. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { Cluster } from "../Cluster.ts"
import * as Access from "./Access.ts"
import { Admission, type Webhook } from "./Admission.ts"
import { Api } from "./Api.ts"
import type { Draft, KubeObject } from "./KubeObject.ts"
import { Processes } from "./Processes.ts"
import { Registry } from "./Registry.ts"
import { namespaces, nodes, serviceaccounts } from "./resource/core.ts"
import { standard } from "./resource/index.ts"
import { qualified, type ResourceType } from "./ResourceType.ts"
import { claimsController, type Provisioning } from "./controller/Claims.ts"
import { run } from "./controller/Controller.ts"
import { garbageCollector } from "./controller/GarbageCollector.ts"
import { kubelet } from "./controller/Kubelet.ts"
import { namespaceController } from "./controller/Namespace.ts"
import { setReady } from "./controller/NodeReady.ts"
import { scheduler } from "./controller/Scheduler.ts"
import { statefulSetController } from "./controller/StatefulSet.ts"
import { csiDriver, node, type NodeOptions, storageClasses, threeZones } from "./Nodes.ts"
import type { Programs } from "./Program.ts"
import type { Volume } from "./Volume.ts"
import { notImplemented } from "./Status.ts"
import { Store } from "./Store.ts"
import { forUser } from "./SandboxCluster.ts"

export interface Options {
  /** Custom resources to serve beside the standard ones; see `resourceType`. */
  readonly resources?: ReadonlyArray<ResourceType>
  /** Standard resources to leave out, such as `volumesnapshots.snapshot.storage.k8s.io`. */
  readonly without?: ReadonlyArray<string>
  /** Changes kept per resource before a watch from before them gets a 410. Default 8192. */
  readonly historySize?: number
  /** Default: three, one a zone. */
  readonly nodes?: ReadonlyArray<NodeOptions>
  /** The API alone: no nodes, no storage classes, and nothing happens by itself. Default false. */
  readonly bare?: boolean
  /** What runs in which container. Default: a program that does nothing and is ready. */
  readonly programs?: Programs
  /** From a pod on its node to its containers running. Default 1000. */
  readonly startMillis?: number
  /** Between a change and the controllers' answer to it. Default 0. */
  readonly reactionMillis?: number
  /** How storage classes behave, by name. */
  readonly provisioning?: Readonly<Record<string, Provisioning>>
  /** Namespaces beside `default`, `kube-system`, `kube-public` and `kube-node-lease`. */
  readonly namespaces?: ReadonlyArray<string>
}

/**
 * What a test holds in its hands. Everything here acts at once and needs no
 * permission; `cluster` is what the code under test is given.
 */
export interface Shape {
  /** The port, as an administrator. */
  readonly cluster: Cluster["Service"]
  /** The port, as a user with rules of its own. */
  readonly as: (user: Access.User) => Cluster["Service"]
  readonly api: Api
  readonly registry: Registry
  readonly store: Store
  readonly processes: Processes
  /** The bytes of each volume, by its handle. */
  readonly volumes: Map<string, Volume>
  /** Takes a node's kubelet away: its pods go on saying Running, and nothing of them is heard. */
  readonly loseNode: (name: string) => void
  /** Gives it back. */
  readonly findNode: (name: string) => void
  /** Creates an object, as `kubectl create` would. */
  readonly create: (object: Draft) => KubeObject
  /** Refuses writes as a validating webhook does, until the answer is called. */
  readonly refuse: (webhook: Webhook) => () => void
  /** Forgets all history: watches and lists from older versions are told 410. */
  readonly compact: () => void
}

export class Sandbox extends Context.Service<Sandbox, Shape>()("@kubectl-stateful/sdk/sandbox/Sandbox") {
  /** The sandbox and the port to it. */
  static readonly layer = (options: Options = {}): Layer.Layer<Sandbox | Cluster> =>
    Layer.effectContext(
      Effect.map(make(options), (sandbox) =>
        Context.make(Sandbox, sandbox).pipe(Context.add(Cluster, sandbox.cluster))
      )
    )
}

/**
 * Uses the Clock and the Random that it is made under: seed them to get the same
 * cluster again. Its controllers and programs end with the scope.
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
    const volumes = new Map<string, Volume>()
    const lost = new Set<string>()
    const create = (object: Draft): KubeObject => {
      const type = types.find(
        (each) =>
          each.kind === object.kind &&
          each.versions.some(
            (version) => (each.group === "" ? version : `${each.group}/${version}`) === object.apiVersion
          )
      )
      if (type === undefined) throw notImplemented(`objects of ${object.apiVersion} ${object.kind}`)
      return registry.create(type, type.namespaced ? (object.metadata.namespace ?? "default") : undefined, {
        ...object,
        metadata: object.metadata
      })
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
    if (options.bare !== true) for (const draft of [csiDriver, ...storageClasses]) create(draft)
    yield* Effect.addFinalizer(() => processes.end)
    const context = yield* Effect.context<Scope.Scope>()
    const kubelets = kubelet(
      registry,
      {
        volumes,
        processes,
        lost,
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
          statefulSetController(registry),
          claimsController(registry, {
            volumes,
            ...(options.provisioning === undefined ? {} : { provisioning: options.provisioning })
          }),
          scheduler(registry),
          kubelets.controller
        ],
        options.reactionMillis === undefined ? {} : { reactionMillis: options.reactionMillis }
      )
    }
    return {
      volumes,
      loseNode: (name) => {
        lost.add(name)
        setReady(registry, name, "Unknown")
      },
      findNode: (name) => {
        lost.delete(name)
        setReady(registry, name, "True")
        kubelets.wakeAll()
      },
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
