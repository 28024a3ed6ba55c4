import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { arrayAt, at, numberAt, stringAt } from "../../packages/sandbox/src/apimachinery/Json.ts"
import {
  events,
  persistentvolumeclaims,
  persistentvolumes,
  pods
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import { make, type Shape } from "../../packages/sandbox/src/Sandbox.ts"
import { claim } from "./storage.ts"

const oneNode = { nodes: [{ name: "node-a1", zone: "a" }] }
const twoNodes = { nodes: [...oneNode.nodes, { name: "node-b1", zone: "b" }] }
const noPorts = "node(s) didn't have free ports for the requested pod ports"

const port = (rest: object) => ({ containerPort: 9000, ...rest })
const withPorts = (name: string, ports: ReadonlyArray<object>, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "main", image: "db:1", ports }], ...spec }
})

const podOf = (sandbox: Shape, name: string) => sandbox.registry.find(pods, "default", name)
const unscheduled = (sandbox: Shape, name: string) =>
  (podOf(sandbox, name).status.conditions ?? [])
    .filter(({ type, status }) => type === "PodScheduled" && status === "False")
    .map(({ message }) => message)

/** What the second of two pods is told, where the first has one port and it wants another. */
const beside = (first: object, second: object) =>
  Effect.gen(function* () {
    const sandbox = yield* make(oneNode)
    sandbox.create(withPorts("first", [port(first)]))
    yield* TestClock.adjust("2 seconds")
    sandbox.create(withPorts("second", [port(second)]))
    yield* TestClock.adjust("2 seconds")
    return unscheduled(sandbox, "second")
  })

describe("ports of the node, in the sandbox", () => {
  it.effect("let no two pods with one port onto a node, until the first is gone or has ended", () =>
    Effect.gen(function* () {
      const sandbox = yield* make(twoNodes)
      for (const name of ["a", "b", "c"]) sandbox.create(withPorts(name, [port({ hostPort: 19000 })]))
      yield* TestClock.adjust("5 seconds")
      const homes = ["a", "b", "c"].map((name) => podOf(sandbox, name).spec.nodeName)
      assert.deepStrictEqual(homes, ["node-a1", "node-b1", undefined])
      assert.deepStrictEqual(unscheduled(sandbox, "c"), [`0/2 nodes are available: 2 ${noPorts}.`])
      sandbox.registry.remove(pods, "default", "b")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(podOf(sandbox, "c").spec.nodeName, "node-b1")
    })
  )

  it.effect("are another with another number, protocol or address of the node", () =>
    Effect.gen(function* () {
      const here = { hostPort: 19000 }
      const other = [
        {},
        { hostPort: 19001 },
        { hostPort: 19000, protocol: "UDP" },
        { hostPort: 19000, hostIP: "10.0.0.2" }
      ]
      for (const [first, second] of [
        ...other.slice(0, 3).map((each) => [here, each] as const),
        [{ hostPort: 19000, hostIP: "10.0.0.1" }, other[3] ?? {}] as const
      ]) {
        assert.deepStrictEqual(yield* beside(first, second), [])
      }
      // All addresses are also that one.
      assert.deepStrictEqual(yield* beside(here, other[3] ?? {}), [`0/1 nodes are available: 1 ${noPorts}.`])
    })
  )

  it.effect("are all that a container names, on the host's network", () =>
    Effect.gen(function* () {
      const sandbox = yield* make(oneNode)
      sandbox.create(withPorts("a", [port({})], { hostNetwork: true }))
      sandbox.create(withPorts("b", [port({})], { hostNetwork: true }))
      sandbox.create(withPorts("c", [port({})]))
      yield* TestClock.adjust("5 seconds")
      const given = arrayAt(podOf(sandbox, "a").spec.containers[0], "ports")[0]
      assert.strictEqual(numberAt(given, "hostPort"), 9000)
      assert.strictEqual(podOf(sandbox, "a").status.podIP, podOf(sandbox, "a").status["hostIP"])
      assert.deepStrictEqual(unscheduled(sandbox, "b"), [`0/1 nodes are available: 1 ${noPorts}.`])
      assert.deepStrictEqual(unscheduled(sandbox, "c"), [])
    })
  )
})

const annotated = (name: string, annotation: string, spec: object = {}) => {
  const { metadata, ...rest } = claim(name, { storageClassName: undefined, ...spec })
  const annotations = { "volume.beta.kubernetes.io/storage-class": annotation }
  return { ...rest, metadata: { ...metadata, annotations } }
}
const claimOf = (sandbox: Shape, name: string) =>
  sandbox.registry.find(persistentvolumeclaims, "default", name)

describe("what pods ask for, in the sandbox", () => {
  const limited = (name: string, resources: object) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers: [{ name: "main", image: "db:1", resources }] }
  })
  const gpu = "nvidia.com/gpu"
  const nodes = [{ name: "node-a1", allocatable: { [gpu]: "1" } }, { name: "node-b1" }]

  it.effect("is what limits say where requests do not, of devices as well: a second pod waits for one", () =>
    Effect.gen(function* () {
      const sandbox = yield* make({ nodes })
      for (const name of ["one", "two"]) sandbox.create(limited(name, { limits: { [gpu]: "1" } }))
      yield* TestClock.adjust("5 seconds")
      const one = podOf(sandbox, "one").spec
      assert.deepStrictEqual(at(one.containers[0], "resources"), {
        limits: { [gpu]: "1" },
        requests: { [gpu]: "1" }
      })
      assert.strictEqual(one.nodeName, "node-a1")
      assert.deepStrictEqual(unscheduled(sandbox, "two"), [`0/2 nodes are available: 2 Insufficient ${gpu}.`])
      sandbox.registry.remove(pods, "default", "one")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(podOf(sandbox, "two").spec.nodeName, "node-a1")
    })
  )

  it.effect("is left as it is where requests say less than limits", () =>
    Effect.gen(function* () {
      const sandbox = yield* make({ nodes })
      const resources = { limits: { cpu: "64", memory: "1Gi" }, requests: { cpu: "1" } }
      sandbox.create(limited("one", resources))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(podOf(sandbox, "one").spec.nodeName, "node-a1")
      assert.deepStrictEqual(at(podOf(sandbox, "one").spec.containers[0], "resources", "requests"), {
        cpu: "1",
        memory: "1Gi"
      })
    })
  )
})

describe("a class that an annotation names, in the sandbox", () => {
  it.effect("is the claim's: no default is set beside it, and its volume is of that class", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(annotated("a", "shared-immediate"))
      yield* TestClock.adjust("5 seconds")
      const { spec, status } = claimOf(sandbox, "a")
      assert.deepStrictEqual([spec.storageClassName, status.phase], [undefined, "Bound"])
      const volume = sandbox.registry.find(persistentvolumes, undefined, spec.volumeName ?? "")
      assert.strictEqual(volume.spec.storageClassName, "shared-immediate")
    })
  )

  it.effect("counts before the field", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(annotated("a", "gone", { storageClassName: "shared-immediate" }))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(claimOf(sandbox, "a").status.phase, "Pending")
    })
  )

  it.effect("that is not there leaves the claim Pending, and says so, as the field does", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(annotated("a", "gone"))
      sandbox.create(claim("b", { storageClassName: "gone" }))
      yield* TestClock.adjust("1 minute")
      for (const name of ["a", "b"]) {
        assert.strictEqual(claimOf(sandbox, name).status.phase, "Pending")
        const told = sandbox.store
          .list(events, "default")
          .filter((event) => at(event, "involvedObject", "name") === name)
          .map((event) => `${stringAt(event, "reason")}: ${event.message}`)
        assert.deepStrictEqual(told, ['ProvisioningFailed: storageclass.storage.k8s.io "gone" not found'])
      }
    })
  )
})

const ephemeral = (name: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    containers: [{ name: "main", image: "db:1", volumeMounts: [{ name: "scratch", mountPath: "/scratch" }] }],
    volumes: [
      {
        name: "scratch",
        ephemeral: {
          volumeClaimTemplate: { metadata: { labels: { of: "scratch" } }, spec: claim("", spec).spec }
        }
      }
    ]
  }
})

describe("a generic ephemeral volume, in the sandbox", () => {
  it.effect("has a claim of the pod's own, which the pod waits for and takes along", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(ephemeral("p"))
      yield* TestClock.adjust("10 seconds")
      const { metadata, status } = claimOf(sandbox, "p-scratch")
      const { uid } = podOf(sandbox, "p").metadata
      assert.deepStrictEqual(metadata.labels, { of: "scratch" })
      assert.deepStrictEqual(metadata.ownerReferences, [
        { apiVersion: "v1", kind: "Pod", name: "p", uid, controller: true, blockOwnerDeletion: true }
      ])
      assert.deepStrictEqual([status.phase, podOf(sandbox, "p").status.phase], ["Bound", "Running"])
      sandbox.registry.remove(pods, "default", "p")
      yield* TestClock.adjust("40 seconds")
      assert.isUndefined(sandbox.store.get(persistentvolumeclaims, "default", "p-scratch"))
      assert.deepStrictEqual(sandbox.store.list(persistentvolumes), [])
    })
  )

  it.effect("of a class that is not there leaves its pod Pending", () =>
    Effect.gen(function* () {
      const sandbox = yield* make(oneNode)
      sandbox.create(ephemeral("p", { storageClassName: "gone" }))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(unscheduled(sandbox, "p"), [
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
      ])
    })
  )

  it.effect("never takes somebody else's claim of that name", () =>
    Effect.gen(function* () {
      const sandbox = yield* make(oneNode)
      sandbox.create(claim("p-scratch"))
      sandbox.create(ephemeral("p"))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(unscheduled(sandbox, "p"), [
        "0/1 nodes are available: PVC default/p-scratch was not created for pod default/p (pod is not owner)."
      ])
    })
  )
})

describe("required anti-affinity, in the sandbox", () => {
  /** Whether a second pod finds the only node, where the first has it. */
  const fits = (
    term: object,
    first: { readonly tenant: string; readonly namespace: string } = { tenant: "a", namespace: "default" }
  ) =>
    Effect.gen(function* () {
      const sandbox = yield* make(oneNode)
      sandbox.create({
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: "other", labels: { team: "x" } }
      })
      const labelSelector = { matchExpressions: [{ key: "tenant", operator: "Exists" }] }
      const terms = [{ topologyKey: "kubernetes.io/hostname", labelSelector, ...term }]
      const made = (name: string, namespace: string, tenant: string, spec: object) =>
        sandbox.create({
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name, namespace, labels: { tenant } },
          spec: { containers: [{ name: "main", image: "db:1" }], ...spec }
        })
      made("first", first.namespace, first.tenant, {})
      yield* TestClock.adjust("2 seconds")
      made("second", "default", "a", {
        affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } }
      })
      yield* TestClock.adjust("2 seconds")
      return podOf(sandbox, "second").spec.nodeName !== undefined
    })

  it.effect("is by labels that both have, or of which they have other values", () =>
    Effect.gen(function* () {
      const other = { tenant: "b", namespace: "default" }
      assert.isFalse(yield* fits({}))
      assert.isFalse(yield* fits({ matchLabelKeys: ["tenant"] }))
      assert.isTrue(yield* fits({ matchLabelKeys: ["tenant"] }, other))
      assert.isTrue(yield* fits({ mismatchLabelKeys: ["tenant"] }))
      assert.isFalse(yield* fits({ mismatchLabelKeys: ["tenant"] }, other))
      assert.isFalse(yield* fits({ mismatchLabelKeys: ["absent"] }))
    })
  )

  it.effect("is about pods of the namespaces that it names, and else of its own", () =>
    Effect.gen(function* () {
      const elsewhere = { tenant: "a", namespace: "other" }
      assert.isTrue(yield* fits({}, elsewhere))
      assert.isFalse(yield* fits({ namespaces: ["other"] }, elsewhere))
      assert.isTrue(yield* fits({ namespaces: ["other"] }))
      assert.isFalse(yield* fits({ namespaceSelector: {} }, elsewhere))
      assert.isFalse(yield* fits({ namespaceSelector: { matchLabels: { team: "x" } } }, elsewhere))
      assert.isTrue(yield* fits({ namespaceSelector: { matchLabels: { team: "y" } } }, elsewhere))
    })
  )
})

describe("required anti-affinity of a pod that runs, in the sandbox", () => {
  it.effect("keeps off its node whom it means, though that one asks for nothing", () =>
    Effect.gen(function* () {
      const sandbox = yield* make(oneNode)
      const made = (name: string, tenant: string, spec: object = {}) =>
        sandbox.create({
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name, labels: { tenant } },
          spec: { containers: [{ name: "main", image: "db:1" }], ...spec }
        })
      const term = { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { tenant: "b" } } }
      made("first", "a", {
        affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } }
      })
      yield* TestClock.adjust("2 seconds")
      made("meant", "b")
      made("other", "c")
      yield* TestClock.adjust("2 seconds")
      assert.isUndefined(podOf(sandbox, "meant").spec.nodeName)
      assert.isDefined(podOf(sandbox, "other").spec.nodeName)
    })
  )
})

describe("pods that start at once, with volumes that are made where they go", () => {
  const labels = { app: "db" }
  const [apart, over] = [{ matchLabels: labels }, "topology.kubernetes.io/zone"]
  const set = (name: string, spec: object) => ({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name },
    spec: {
      replicas: 3,
      serviceName: name,
      podManagementPolicy: "Parallel",
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [{ name: "main", image: "db:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
          ...spec
        }
      },
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: {
            accessModes: ["ReadWriteOnce"],
            storageClassName: "zonal",
            resources: { requests: { storage: "1Gi" } }
          }
        }
      ]
    }
  })
  const homes = (spec: object) =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(set("db", spec))
      yield* TestClock.adjust("1 minute")
      return [0, 1, 2]
        .map((ordinal) => podOf(sandbox, `db-${ordinal}`).spec.nodeName)
        .toSorted((a = "", b = "") => a.localeCompare(b))
    })

  it.effect("keep apart by anti-affinity and by spread, though none is bound yet", () =>
    Effect.gen(function* () {
      const three = ["node-a", "node-b", "node-c"]
      const term = { topologyKey: over, labelSelector: apart }
      assert.deepStrictEqual(
        yield* homes({
          affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } }
        }),
        three
      )
      for (const whenUnsatisfiable of ["DoNotSchedule", "ScheduleAnyway"])
        assert.deepStrictEqual(
          yield* homes({ topologySpreadConstraints: [{ ...term, maxSkew: 1, whenUnsatisfiable }] }),
          three
        )
      const ports = [port({ hostPort: 19000 })]
      const mounts = [{ name: "data", mountPath: "/data" }]
      assert.deepStrictEqual(
        yield* homes({ containers: [{ name: "main", image: "db:1", ports, volumeMounts: mounts }] }),
        three
      )
    })
  )
})

describe("a claim whose volumes are made by hand", () => {
  const byHand = {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "by-hand" },
    provisioner: "kubernetes.io/no-provisioner",
    volumeBindingMode: "WaitForFirstConsumer"
  }
  const volume = (name: string, on: string) => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name },
    spec: {
      capacity: { storage: "5Gi" },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: "by-hand",
      local: { path: "/mnt/disk" },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [on] }] }
          ]
        }
      }
    }
  })
  const user = (name: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      containers: [{ name: "main", image: "db:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: name } }]
    }
  })

  it.effect("takes its pod where a free one is, and leaves it Pending where none is", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(byHand)
      sandbox.create(volume("disk-c", "node-c"))
      for (const name of ["first", "second"]) {
        sandbox.create({
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { name },
          spec: {
            accessModes: ["ReadWriteOnce"],
            storageClassName: "by-hand",
            resources: { requests: { storage: "5Gi" } }
          }
        })
        sandbox.create(user(name))
        yield* TestClock.adjust("10 seconds")
      }
      assert.strictEqual(podOf(sandbox, "first").spec.nodeName, "node-c")
      assert.deepStrictEqual(unscheduled(sandbox, "second"), [
        "0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind."
      ])
    })
  )
})
