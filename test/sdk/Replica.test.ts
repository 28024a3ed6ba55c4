import { assert, describe, it } from "vitest"
import { healthOf } from "../../packages/sdk/src/Replica.ts"
import { selector } from "../../packages/sdk/src/App.ts"
import { forbidden, type Json, merge, node, object, pod, service, stateOf, statefulSet } from "./objects.ts"

const replica = (name: string, state: ReturnType<typeof stateOf>) => {
  const found = state.replicas.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no replica ${name}`)
  return found
}
const reasonOf = (changes: Record<string, unknown>) =>
  replica("db-0", stateOf({ pods: [pod(0, changes)] })).pod?.reason

const notReady = { conditions: [{ type: "Ready", status: "False", reason: "ContainersNotReady" }] }

describe("a replica is an ordinal that is asked for, or a pod that is there", () => {
  it("G10: db-10 comes after db-9, not after db-1", () => {
    const pods = Array.from({ length: 12 }, (_, ordinal) => pod(11 - ordinal))
    const names = stateOf({ statefulsets: [statefulSet({ spec: { replicas: 12 } })], pods }).replicas.map(
      ({ name }) => name
    )
    assert.deepEqual(names.slice(-3), ["db-9", "db-10", "db-11"])
  })

  it("G10: ordinals begin at ordinals.start, and those below it are not asked for", () => {
    const set = statefulSet({ spec: { replicas: 2, ordinals: { start: 5 } } })
    const state = stateOf({ statefulsets: [set], pods: [pod(4), pod(5)] })
    assert.deepEqual(
      state.replicas.map(({ name, wanted, pod: there }) => [name, wanted, there !== null]),
      [
        ["db-4", false, true],
        ["db-5", true, true],
        ["db-6", true, false]
      ]
    )
  })

  it("G11: a pod of the StatefulSet db-0 is no replica of db, whatever its name", () => {
    const other = [
      { apiVersion: "apps/v1", kind: "StatefulSet", name: "db-0", uid: "uid-other", controller: true }
    ]
    const stranger = object("db-0-1", pod(1, { metadata: { name: "db-0-1", ownerReferences: other } }))
    const state = stateOf({ pods: [pod(0), pod(1), pod(2), stranger] })
    assert.deepEqual(
      state.replicas.map(({ name }) => name),
      ["db-0", "db-1", "db-2"]
    )
  })

  it("G11: a pod of an earlier StatefulSet with the same name belongs to nobody", () => {
    const earlier = [
      { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: "uid-before", controller: true }
    ]
    const state = stateOf({ pods: [pod(0, { metadata: { ownerReferences: earlier } })] })
    assert.isNull(replica("db-0", state).pod)
  })

  describe("of a Deployment", () => {
    const web = (ordinal: number, changes: Json = {}) => {
      const owner = {
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        name: "web-1",
        uid: "uid-web-1",
        controller: true
      }
      return object(
        `web-${ordinal}`,
        pod(ordinal, merge({ metadata: { name: `web-${ordinal}`, ownerReferences: [owner] } }, changes))
      )
    }
    const replicas = (count: number, pods: ReadonlyArray<Json>) => {
      const deployment = object("web", {
        spec: {
          replicas: count,
          selector: { matchLabels: { app: "db" } },
          template: { spec: { containers: [] } }
        }
      })
      const owner = {
        apiVersion: "apps/v1",
        kind: "Deployment",
        name: "web",
        uid: "uid-web",
        controller: true
      }
      const replicaset = object("web-1", { metadata: { ownerReferences: [owner] } })
      return stateOf(
        { statefulsets: [], deployments: [deployment], daemonsets: [], replicasets: [replicaset], pods },
        { ref: selector("shop", "app=db") }
      ).replicas.map(({ name, wanted }) => [name, wanted])
    }
    const ended = { phase: "Failed", reason: "Terminated", conditions: [{ type: "Ready", status: "False" }] }

    it("a pod that has ended is none: its ReplicaSet has made another", () => {
      const pods = [web(0, { status: ended }), web(1), web(2, { status: { ...ended, phase: "Succeeded" } })]
      assert.deepEqual(replicas(1, pods), [["web-1", true]])
    })

    it("one that is not ready is more than asked for once enough others are, and before that it is not", () => {
      const pods = [web(0), web(1, { status: notReady })]
      assert.deepEqual(replicas(1, pods), [
        ["web-0", true],
        ["web-1", false]
      ])
      assert.deepEqual(replicas(2, pods), [
        ["web-0", true],
        ["web-1", true]
      ])
    })

    it("one that is on its way out is more than asked for once its replacement is ready", () => {
      const pods = [web(0, { metadata: { deletionTimestamp: "2026-11-20T11:00:00Z" } }), web(1)]
      assert.deepEqual(replicas(1, pods), [
        ["web-0", false],
        ["web-1", true]
      ])
    })
  })

  it("on a cluster without the pod-index label the ordinal is what follows the set's own name", () => {
    const old = pod(1)
    const state = stateOf({
      pods: [{ ...old, metadata: { ...(old["metadata"] as object), labels: { app: "db" } } }]
    })
    assert.equal(replica("db-1", state).ordinal, 1)
  })

  it("when pods could not be read no replica is called missing", () => {
    const state = stateOf({ pods: forbidden("pods") })
    assert.deepEqual(state.replicas.map(healthOf), ["Unknown", "Unknown", "Unknown"])
    assert.deepEqual(
      state.unread.map(({ resource }) => resource),
      ["pods"]
    )
  })

  it("a mistyped count of two milliards is a number, not two milliard rows", () => {
    const set = statefulSet({ spec: { replicas: 2_000_000_000 } })
    const state = stateOf({ statefulsets: [set], pods: [] })
    assert.equal(state.workloads[0]?.replicas, 2_000_000_000)
    assert.isAtMost(state.replicas.length, 10_000)
  })
})

describe("ready means that the replica can serve", () => {
  it("a replica whose node is lost is not ready although its pod says Running", () => {
    const lost = node("a", { status: { conditions: [{ type: "Ready", status: "Unknown" }] } })
    const { pod: facts } = replica("db-0", stateOf({ nodes: [lost, node("b"), node("c")] }))
    assert.deepEqual([facts?.phase, facts?.ready, facts?.reason], ["Running", false, "node-a is unreachable"])
  })

  it("a replica whose node object is gone is not ready", () => {
    assert.equal(
      replica("db-0", stateOf({ nodes: [node("b")] })).pod?.reason,
      "node-a is gone from the cluster"
    )
  })

  it("a replica is not ready for its node's sake when the node says that it is not", () => {
    const ready = { type: "Ready", status: "False", message: "container runtime is down" }
    const sick = pod(0, { status: { conditions: [{ type: "Ready", status: "False" }] } })
    const state = stateOf({ pods: [sick], nodes: [node("a", { status: { conditions: [ready] } })] })
    assert.equal(replica("db-0", state).pod?.reason, "node-a is not ready: container runtime is down")
  })

  it("without leave to read nodes the condition Ready still tells a lost node", () => {
    const lost = pod(0, { status: { conditions: [{ type: "Ready", status: "False" }] } })
    const { pod: facts } = replica("db-0", stateOf({ pods: [lost], nodes: forbidden("nodes") }))
    assert.isFalse(facts?.ready)
    assert.match(facts?.reason ?? "", /^node-a seems to be unreachable/)
  })

  it("a pod whose deletion was asked for is Terminating", () => {
    const state = stateOf({ pods: [pod(0, { metadata: { deletionTimestamp: "2026-11-20T11:00:00Z" } })] })
    assert.equal(healthOf(replica("db-0", state)), "Terminating")
  })
})

describe("why a replica is not ready stands in one line", () => {
  it("the scheduler's message, when no node fits", () => {
    const conditions = [
      {
        type: "PodScheduled",
        status: "False",
        reason: "Unschedulable",
        message: "0/3 nodes are available.\nx"
      }
    ]
    assert.equal(
      reasonOf({ spec: { nodeName: null }, status: { phase: "Pending", conditions, containerStatuses: [] } }),
      "Unschedulable: 0/3 nodes are available."
    )
  })

  it("the gate that keeps it from the scheduler, since whoever set that takes it away", () => {
    const schedulingGates = [{ name: "kueue.x-k8s.io/admission" }]
    const message = "Scheduling is blocked due to non-empty scheduling gates"
    const conditions = [{ type: "PodScheduled", status: "False", reason: "SchedulingGated", message }]
    assert.equal(
      reasonOf({ spec: { nodeName: null, schedulingGates }, status: { phase: "Pending", conditions } }),
      "SchedulingGated: kueue.x-k8s.io/admission has not let it be scheduled"
    )
  })

  it("what a container waits for", () => {
    const waiting = { reason: "CrashLoopBackOff", message: "back-off 5m0s restarting failed container" }
    const containerStatuses = [{ name: "postgres", ready: false, restartCount: 7, state: { waiting } }]
    assert.equal(
      reasonOf({ status: { ...notReady, containerStatuses } }),
      "container postgres CrashLoopBackOff: back-off 5m0s restarting failed container"
    )
  })

  it("how a container ended", () => {
    const terminated = { reason: "OOMKilled", exitCode: 137 }
    const containerStatuses = [{ name: "postgres", ready: false, state: { terminated } }]
    assert.equal(
      reasonOf({ status: { ...notReady, containerStatuses } }),
      "container postgres OOMKilled (exit code 137)"
    )
  })

  it("an init container that failed, before the containers that wait for it", () => {
    const initContainerStatuses = [
      { name: "first", ready: true, state: { terminated: { exitCode: 0, reason: "Completed" } } },
      { name: "second", state: { terminated: { exitCode: 1, reason: "Error" } } }
    ]
    assert.equal(
      reasonOf({ status: { ...notReady, initContainerStatuses } }),
      "init container second Error (exit code 1)"
    )
  })

  it("a probe that has not passed", () => {
    const containerStatuses = [{ name: "postgres", ready: false, state: { running: {} } }]
    assert.equal(
      reasonOf({ status: { ...notReady, containerStatuses } }),
      "container postgres runs, its readiness probe has not passed"
    )
  })

  it("a startup probe that has not passed: until then no other one is asked", () => {
    const containerStatuses = [{ name: "postgres", ready: false, started: false, state: { running: {} } }]
    const containers = [{ name: "postgres", startupProbe: { exec: { command: ["pg_isready"] } } }]
    assert.equal(
      reasonOf({ spec: { nodeName: "node-a", containers }, status: { ...notReady, containerStatuses } }),
      "container postgres runs, its startup probe has not passed"
    )
  })

  it("a readiness gate", () => {
    assert.equal(
      reasonOf({ spec: { readinessGates: [{ conditionType: "example.com/synced" }] }, status: notReady }),
      "readiness gate example.com/synced is not True"
    )
  })

  it("an eviction", () => {
    const status = { phase: "Failed", reason: "Evicted", message: "The node was low on memory.", ...notReady }
    assert.equal(reasonOf({ status }), "Evicted: The node was low on memory.")
  })
})

describe("a replica's identity", () => {
  it("its FQDN needs a governing Service that is there", () => {
    assert.equal(replica("db-0", stateOf()).pod?.fqdn, "db-0.db.shop.svc")
    assert.isNull(replica("db-0", stateOf({ services: [] })).pod?.fqdn)
    assert.isNull(
      replica("db-0", stateOf({ services: [service({ metadata: { name: "db2" } })] })).pod?.fqdn ?? null
    )
    assert.equal(replica("db-0", stateOf({ services: forbidden("services") })).pod?.fqdn, "db-0.db.shop.svc")
  })

  it("a pod of another revision than the update revision is not current", () => {
    const set = statefulSet({ status: { updateRevision: "db-2" } })
    assert.isFalse(replica("db-0", stateOf({ statefulsets: [set] })).pod?.current)
  })
})
