import { assert, describe, it } from "vitest"
import { bound, claim, forbidden, lists, object, pod, stateOf, statefulSet, volume } from "./objects.ts"

const claimNamed = (name: string, state: ReturnType<typeof stateOf>) => {
  const found = state.claims.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no claim ${name}`)
  return found
}
const claimWith = (changes: Record<string, unknown>) =>
  claimNamed("data-db-0", stateOf({ persistentvolumeclaims: [claim("data-db-0", changes)] }))

const classAnnotation = "volume.beta.kubernetes.io/storage-class"

describe("the class of a claim is the one that Kubernetes takes", () => {
  const annotated = (name: string, spec: object = { storageClassName: null }) => ({
    metadata: { annotations: { [classAnnotation]: name } },
    spec
  })

  it("the annotation's, before the field's, and an empty one is none", () => {
    assert.equal(claimWith(annotated("fast")).storageClass, "fast")
    assert.equal(claimWith(annotated("fast", { storageClassName: "shared" })).storageClass, "fast")
    assert.equal(claimWith(annotated("", { storageClassName: "shared" })).storageClass, "")
    assert.equal(claimWith({}).storageClass, "shared")
    assert.isNull(claimWith({ spec: { storageClassName: null } }).storageClass)
  })

  it("also of a claim template, and the class that it names is among the cluster's that matter", () => {
    const set = statefulSet({
      spec: {
        volumeClaimTemplates: [
          { metadata: { name: "data", annotations: { [classAnnotation]: "fast" } }, spec: {} }
        ]
      }
    })
    const storageclasses = ["fast", "other"].map((name) => ({ metadata: { name }, provisioner: "a.example" }))
    const state = stateOf({ statefulsets: [set], pods: [], persistentvolumeclaims: [], storageclasses })
    assert.deepEqual(
      state.workloads[0]?.claimTemplates.map(({ storageClass }) => storageClass),
      ["fast"]
    )
    assert.deepEqual(
      state.protection.storageClasses?.map(({ name }) => name),
      ["fast"]
    )
  })

  it("also of a generic ephemeral volume", () => {
    const volumes = [{ name: "scratch", ephemeral: { volumeClaimTemplate: annotated("fast", {}) } }]
    const state = stateOf({ statefulsets: [statefulSet({ spec: { template: { spec: { volumes } } } })] })
    assert.equal(state.volumes[0]?.detail, "fast")
  })

  it("the default class may be named by the older annotation as well", () => {
    const storageclasses = [
      {
        metadata: {
          name: "old",
          annotations: { "storageclass.beta.kubernetes.io/is-default-class": "true" }
        },
        provisioner: "a.example"
      }
    ]
    const state = stateOf({
      persistentvolumeclaims: [claim("data-db-0", { spec: { storageClassName: null } })],
      storageclasses
    })
    assert.deepEqual(
      state.protection.storageClasses?.map(({ name, isDefault }) => [name, isDefault]),
      [["old", true]]
    )
  })
})

describe("a volume of the pod template under a claim template's name is never there", () => {
  const shadowed = (volume: object) =>
    stateOf({
      statefulsets: [
        statefulSet({
          spec: {
            template: {
              spec: {
                volumes: [{ name: "data", ...volume }],
                containers: [
                  {
                    name: "postgres",
                    image: "postgres:15",
                    volumeMounts: [{ name: "data", mountPath: "/data" }]
                  }
                ]
              }
            }
          }
        })
      ],
      persistentvolumeclaims: [...(lists().persistentvolumeclaims as ReadonlyArray<object>), claim("data")],
      persistentvolumes: [...(lists().persistentvolumes as ReadonlyArray<object>), volumeOf("data")]
    })
  const volumeOf = volume

  it("a claim that it names is another application's", () => {
    const state = shadowed({ persistentVolumeClaim: { claimName: "data" } })
    assert.notInclude(
      state.claims.map(({ name }) => name),
      "data"
    )
    assert.deepEqual(
      state.placements.map(({ storage }) => storage),
      ["network", "network", "network"]
    )
  })

  it("an emptyDir is no volume of the application, a hostPath pins nothing, a Secret is not asked for", () => {
    assert.deepEqual(shadowed({ emptyDir: {} }).volumes, [])
    const onHost = shadowed({ hostPath: { path: "/mnt/db" } })
    assert.deepEqual([onHost.volumes, onHost.placements.flatMap(({ pins }) => pins)], [[], []])
    assert.deepEqual(shadowed({ secret: { secretName: "gone" } }).references, [])
  })
})

describe("a claim of a template is told by its computed name", () => {
  it("its template and ordinal are read back from the name, and its pod uses it", () => {
    const { template, ordinal, usedBy, workload, leftover } = claimNamed("wal-db-1", stateOf())
    assert.deepEqual(
      { template, ordinal, usedBy, workload, leftover },
      { template: "wal", ordinal: 1, usedBy: ["db-1"], workload: "StatefulSet/db", leftover: false }
    )
  })

  it("claims come by ordinal, then template", () => {
    const set = statefulSet({ spec: { replicas: 11 } })
    const names = ["data-db-10", "wal-db-2", "data-db-2"]
    assert.deepEqual(
      stateOf({ statefulsets: [set], persistentvolumeclaims: names.map((name) => claim(name)) }).claims.map(
        ({ name }) => name
      ),
      ["data-db-2", "wal-db-2", "data-db-10"]
    )
  })

  it("a claim of an ordinal that nobody asks for is a leftover", () => {
    const unused = { type: "Unused", status: "True", lastTransitionTime: "2026-08-18T10:00:00Z" }
    const state = stateOf({
      persistentvolumeclaims: [claim("data-db-3", { status: { conditions: [unused] } })]
    })
    const { leftover, usedBy, unusedSince, ordinal } = claimNamed("data-db-3", state)
    assert.deepEqual(
      { leftover, usedBy, unusedSince, ordinal },
      { leftover: true, usedBy: [], unusedSince: "2026-08-18T10:00:00Z", ordinal: 3 }
    )
  })

  it("ordinals below ordinals.start leave leftovers as well", () => {
    const set = statefulSet({ spec: { replicas: 2, ordinals: { start: 1 } } })
    assert.isTrue(
      claimNamed("data-db-0", stateOf({ statefulsets: [set], pods: [], ...pick("data-db-0") })).leftover
    )
  })

  it("a claim that only looks like a leftover, without the set's labels, is not the app's", () => {
    const stranger = claim("data-db-7", { metadata: { labels: { app: "other" } } })
    assert.deepEqual(stateOf({ persistentvolumeclaims: [stranger] }).claims, [])
  })

  it("a claim without labels for an ordinal that is asked for is the one that the controller takes", () => {
    const bare = claim("data-db-2", { metadata: { labels: { app: "other" } } })
    assert.equal(claimNamed("data-db-2", stateOf({ persistentvolumeclaims: [bare], pods: [] })).ordinal, 2)
  })

  it.each(["data-db-01", "data-db-0-1", "data-db-", "data-db-x", "xdata-db-0"])(
    "%s is no claim of a template",
    (name) => {
      assert.deepEqual(stateOf({ persistentvolumeclaims: [claim(name)], pods: [] }).claims, [])
    }
  )

  it("a claim that a pod names itself has no template", () => {
    const volumes = [{ name: "extra", persistentVolumeClaim: { claimName: "archive" } }]
    const state = stateOf({
      pods: [pod(0, { spec: { volumes } })],
      persistentvolumeclaims: [claim("archive", { metadata: { labels: {} } })]
    })
    const { template, workload, usedBy } = claimNamed("archive", state)
    assert.deepEqual([template, workload, usedBy], [null, null, ["db-0"]])
  })

  it("the claim of a generic ephemeral volume is found by pod and volume", () => {
    const state = stateOf({
      pods: [pod(0, { spec: { volumes: [{ name: "scratch", ephemeral: {} }] } })],
      persistentvolumeclaims: [claim("db-0-scratch", { metadata: { labels: {} } })]
    })
    assert.deepEqual(claimNamed("db-0-scratch", state).usedBy, ["db-0"])
  })

  it("a template's claim stays one when its pod owns it, as a scale-down under whenScaled Delete has it", () => {
    const owned = (name: string) => ({
      metadata: { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid: "1", controller: true }] }
    })
    const state = stateOf({
      persistentvolumeclaims: [claim("data-db-2", owned("db-2")), claim("db-2-scratch", owned("db-2"))]
    })
    assert.deepEqual(
      state.claims.map(({ name, ordinal }) => [name, ordinal]),
      [["data-db-2", 2]]
    )
  })
})

const pick = (name: string) => ({ persistentvolumeclaims: [claim(name)] })

describe("a claim's size and class may be on their way", () => {
  it("G40: a claim that was grown later than its template keeps both sizes", () => {
    const grown = {
      spec: { resources: { requests: { storage: "5Gi" } } },
      status: { capacity: { storage: "5Gi" } }
    }
    const state = stateOf({ persistentvolumeclaims: [claim("data-db-0", grown)] })
    assert.equal(claimNamed("data-db-0", state).capacity, "5Gi")
    assert.equal(state.workloads[0]?.claimTemplates[0]?.requested, "1Gi")
    assert.isNull(claimNamed("data-db-0", state).resize)
  })

  it("a resize says where it stands, with the driver's message", () => {
    const error = { type: "NodeResizeError", status: "True", message: "xfs_growfs failed" }
    assert.equal(
      claimWith({
        status: {
          allocatedResourceStatuses: { storage: "NodeResizeInProgress" },
          conditions: [error, { type: "Resizing", status: "True" }]
        }
      }).resize,
      "NodeResizeInProgress: xfs_growfs failed"
    )
  })

  it("a size asked for that nobody works on yet is a resize that waits", () => {
    assert.equal(
      claimWith({ spec: { resources: { requests: { storage: "2Gi" } } } }).resize,
      "2Gi requested, has 1Gi"
    )
    assert.isNull(claimWith({ spec: { resources: { requests: { storage: "1024Mi" } } } }).resize)
  })

  it("a change of attributes says what it goes to", () => {
    assert.equal(
      claimWith({
        status: { modifyVolumeStatus: { status: "Infeasible", targetVolumeAttributesClassName: "gold" } }
      }).modify,
      "Infeasible to gold"
    )
  })
})

describe("the volume behind a claim", () => {
  it("has driver, handle, policy, affinity and the nodes it is attached to", () => {
    const attachment = (name: string, attached: boolean) => ({
      metadata: { name: `${name}-${attached}` },
      spec: { attacher: "csi.example.com", nodeName: name, source: { persistentVolumeName: "pv-data-db-0" } },
      status: { attached }
    })
    const state = stateOf({
      persistentvolumes: [volume("data-db-0", bound("topology.kubernetes.io/zone", "a"))],
      volumeattachments: [attachment("node-a", true), attachment("node-b", false)]
    })
    assert.deepEqual(claimNamed("data-db-0", state).volume, {
      name: "pv-data-db-0",
      driver: "csi.example.com",
      handle: "handle-data-db-0",
      reclaimPolicy: "Delete",
      nodeAffinity: [[{ key: "topology.kubernetes.io/zone", operator: "In", values: ["a"] }]],
      attachedTo: ["node-a"],
      source: "csi",
      phase: "Bound",
      heldBy: "claim",
      deleted: null,
      policyBefore: null
    })
  })

  it("says that it is in deletion", () => {
    const going = volume("data-db-0", { metadata: { deletionTimestamp: "2026-11-20T11:00:00Z" } })
    const { volume: found } = claimNamed("data-db-0", stateOf({ persistentvolumes: [going] }))
    assert.equal(found?.deleted, "2026-11-20T11:00:00Z")
  })

  it("is known by name alone to a user who may not read volumes", () => {
    const state = stateOf({
      persistentvolumes: forbidden("persistentvolumes"),
      volumeattachments: forbidden("volumeattachments")
    })
    const { name, driver, nodeAffinity, attachedTo } = claimNamed("data-db-0", state).volume ?? {}
    assert.deepEqual([name, driver, nodeAffinity, attachedTo], ["pv-data-db-0", null, null, null])
  })

  it("is not taken from a volume that another claim of that name holds", () => {
    const other = volume("data-db-0", { spec: { claimRef: { uid: "uid-of-an-earlier-claim" } } })
    assert.isNull(claimNamed("data-db-0", stateOf({ persistentvolumes: [other] })).volume?.handle ?? null)
  })
})

describe("volumes that are no claims", () => {
  it("are listed with what writes to them, and configuration is not", () => {
    const template = {
      spec: {
        containers: [
          {
            name: "postgres",
            volumeMounts: [
              { name: "tmp", mountPath: "/tmp" },
              { name: "time", mountPath: "/etc/localtime", readOnly: true }
            ]
          }
        ],
        volumes: [
          { name: "tmp", emptyDir: { medium: "Memory" } },
          { name: "time", hostPath: { path: "/etc/localtime" } },
          { name: "conf", configMap: { name: "db-conf" } },
          { name: "later", tomorrowFS: { id: 1 } }
        ]
      }
    }
    assert.deepEqual(stateOf({ statefulsets: [statefulSet({ spec: { template } })] }).volumes, [
      {
        workload: "StatefulSet/db",
        name: "tmp",
        source: "emptyDir",
        detail: "Memory",
        writers: ["postgres:/tmp"],
        rendered: false
      },
      {
        workload: "StatefulSet/db",
        name: "time",
        source: "hostPath",
        detail: "/etc/localtime",
        writers: [],
        rendered: false
      },
      {
        workload: "StatefulSet/db",
        name: "later",
        source: "tomorrowFS",
        detail: null,
        writers: [],
        rendered: false
      }
    ])
  })
})

describe("a namespace with other apps", () => {
  it("shows none of their claims", () => {
    const others = [claim("data-web-0"), object("x")]
    const state = stateOf({ persistentvolumeclaims: [...(lists().persistentvolumeclaims as []), ...others] })
    assert.equal(state.claims.length, 6)
  })
})
