/** Answers about what is missing or refused, from objects as people write them. */
import { assert, describe, it } from "vitest"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import type { AppState } from "../../../packages/sdk/src/state/AppState.ts"
import type { Observation } from "../../../packages/sdk/src/state/observation.ts"
import { claim, type Json, object, pod, stateOf, statefulSet } from "../objects.ts"
import { questions, findings, answers, made, at } from "./made.ts"

describe("fsGroup is held against those that refuse what it does", () => {
  const grouped = (image: string, path = "/data") =>
    answers(
      made({ image, mounts: [at(path)], templates: ["data"], pod: { securityContext: { fsGroup: 1000 } } }),
      "fs-group-at-each-mount"
    )

  it("PostgreSQL, and RabbitMQ where the volume holds its cookie, and nobody else", () => {
    assert.deepEqual(grouped("ghcr.io/zalando/spilo-17:4"), ["No", "", "", "No"])
    assert.deepEqual(grouped("rabbitmq:4", "/var/lib/rabbitmq"), ["No", "", "", "No"])
    assert.deepEqual(grouped("rabbitmq:4", "/var/lib/rabbitmq/mnesia/"), ["", "", "", ""])
    for (const image of ["zookeeper:3.9", "hashicorp/consul", "prom/prometheus", "redis:7", "example/db:1"])
      assert.deepEqual(grouped(image), ["", "", "", ""], image)
  })

  it("not an image that takes the group's rights back at each start", () => {
    assert.deepEqual(grouped("docker.io/bitnami/postgresql:17"), ["", "", "", ""])
    assert.deepEqual(grouped("bitnamilegacy/postgresql-repmgr:17"), ["", "", "", ""])
    assert.deepEqual(grouped("example/postgresql:17"), ["No", "", "", "No"])
  })
})

describe("what a new pod cannot be without, and is not there", () => {
  const well = { mounts: [at("/data")], templates: ["data"] }
  const missing = (state: AppState) =>
    questions.map((question) => findings(state, question, "reference-missing")[0]?.evidence ?? "")

  it("a ServiceAccount is told in restart, move and restore, with the command that makes it", () => {
    const state = made({ ...well, pod: { serviceAccountName: "ledgerd" } })
    const said = "ServiceAccount ledgerd not found: no new pod can be created"
    assert.deepEqual(missing(state), [said, "", said, said])
    const [first] = findings(state, "restart", "reference-missing")
    assert.deepEqual([first?.answer, first?.remedy], ["No", "kubectl create serviceaccount ledgerd -n shop"])
  })

  it("not one that is there, nor the account that each namespace has", () => {
    const account = { serviceaccounts: [object("ledgerd")] }
    assert.deepEqual(missing(made({ ...well, pod: { serviceAccountName: "ledgerd" } }, account)), [
      "",
      "",
      "",
      ""
    ])
    assert.deepEqual(missing(made(well)), ["", "", "", ""])
  })

  it("not what only a pod of an older revision names: the next one is made of the template", () => {
    const envFrom = [{ secretRef: { name: "gone" } }]
    const named = (revision: string) =>
      stateOf({
        statefulsets: [statefulSet()],
        pods: [
          pod(0, {
            metadata: { labels: { "controller-revision-hash": revision } },
            spec: { containers: [{ name: "postgres", envFrom }] }
          })
        ],
        persistentvolumeclaims: [claim("data-db-0")],
        secrets: []
      })
    assert.deepEqual(missing(named("db-0")), ["", "", "", ""])
    const said = "Secret gone not found: new pods cannot start"
    assert.deepEqual(missing(named("db-1")), [said, "", said, said])
  })

  it("one that could not be read is unknown, not missing", () => {
    const refused = { resource: "serviceaccounts", reason: "Forbidden", message: "No" }
    const state = made({ ...well, pod: { serviceAccountName: "ledgerd" } }, { serviceaccounts: refused })
    assert.deepEqual(missing(state), ["", "", "", ""])
    for (const question of ["restart", "move", "restore"] as const) {
      assert.include(
        findings(state, question, "facts-unreadable").map((one) => one.evidence),
        "cannot read serviceaccounts (Forbidden): cannot tell whether any is missing"
      )
    }
  })

  it("a priority class, a runtime class, a claim, a provider and a bundle likewise", () => {
    const csi = { driver: "secrets-store.csi.k8s.io", volumeAttributes: { secretProviderClass: "keys" } }
    const volumes = [
      { name: "old", persistentVolumeClaim: { claimName: "archive" } },
      { name: "keys", csi },
      { name: "ca", projected: { sources: [{ clusterTrustBundle: { name: "roots", path: "ca.pem" } }] } },
      {
        name: "ca2",
        projected: { sources: [{ clusterTrustBundle: { name: "o", path: "b", optional: true } }] }
      }
    ]
    const state = made(
      { ...well, pod: { priorityClassName: "high", runtimeClassName: "gvisor", volumes } },
      { priorityclasses: [], runtimeclasses: [], secretproviderclasses: [], clustertrustbundles: [] }
    )
    assert.deepEqual(
      findings(state, "restart", "reference-missing").map((one) => one.evidence),
      [
        "ClusterTrustBundle roots not found: new pods cannot start",
        "PersistentVolumeClaim archive not found: new pods cannot start",
        "PriorityClass high not found: no new pod can be created",
        "RuntimeClass gvisor not found: no new pod can be created",
        "SecretProviderClass keys not found: new pods cannot start"
      ]
    )
  })

  it("a move names the classes that are the cluster's, and none that every cluster has", () => {
    const named = (name: string) => ({ metadata: { name } })
    const needs = (priorityClassName: string) =>
      findings(
        made(
          { ...well, pod: { priorityClassName, runtimeClassName: "gvisor" } },
          {
            priorityclasses: [named("high")],
            runtimeclasses: [named("gvisor")],
            storageclasses: [{ ...named("shared"), provisioner: "csi.example.com" }]
          }
        ),
        "move",
        "needs-on-target"
      ).map((one) => one.evidence)
    assert.deepEqual(needs("high"), [
      "to a cluster with StorageClass shared, driver csi.example.com and PriorityClass high",
      "and with RuntimeClass gvisor"
    ])
    assert.deepEqual(needs("system-node-critical"), [
      "to a cluster with StorageClass shared, driver csi.example.com and RuntimeClass gvisor"
    ])
  })

  it("a storage class is the first line under what waits for it", () => {
    const pending = { spec: { volumeName: null, storageClassName: "standard" }, status: { phase: "Pending" } }
    const state = made(well, {
      persistentvolumeclaims: [0, 1, 2].map((ordinal) => claim(`data-db-${ordinal}`, pending)),
      pods: [0, 1, 2].map((ordinal) =>
        pod(ordinal, { spec: { nodeName: null }, status: { phase: "Pending", conditions: [] } })
      ),
      storageclasses: [{ metadata: { name: "shared" }, provisioner: "csi.example.com" }]
    })
    for (const question of ["restart", "snapshot", "restore"] as const) {
      const all = answer(state).find((one) => one.question === question)?.findings ?? []
      const said =
        "StorageClass standard not found: data-db-0, data-db-1 and data-db-2 need volumes created manually"
      assert.include(
        all.map((one) => one.evidence),
        said
      )
      assert.notInclude(
        all.map((one) => one.rule),
        "claim-not-bound"
      )
      if (question === "restart") assert.equal(all[0]?.evidence, said)
    }
  })

  it("what a template fills volumes from is told where claims wait for it, and as a remark where none does", () => {
    const source = { kind: "VolumeSnapshot", name: "seed" }
    const spec = { volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { dataSourceRef: source } }] }
    const bound = [0, 1].map((ordinal) => claim(`data-db-${ordinal}`))
    const last = (dataSource: Json) => ({
      spec: { volumeName: null, ...dataSource },
      status: { phase: "Pending" }
    })
    const told = (
      last: ReadonlyArray<Json>,
      volumesnapshots: NonNullable<Observation["lists"]["volumesnapshots"]>
    ) => {
      const state = made(
        { ...well, spec },
        {
          persistentvolumeclaims: [...bound, ...last],
          storageclasses: [{ metadata: { name: "shared" }, provisioner: "rancher.io/local-path" }],
          volumesnapshots
        }
      )
      return questions.map((question) => {
        const [first] = findings(state, question, "data-source-missing")
        const pending = findings(state, question, "claim-not-bound").map(({ evidence }) => evidence)
        if (first?.answer === "No") assert.notInclude(pending.join(), "Pending")
        return first === undefined
          ? ""
          : `${first.answer}: ${first.evidence.replace("VolumeSnapshot seed not found: ", "")}`
      })
    }
    const waits = "No: data-db-2 gets no volume"
    assert.deepEqual(told([claim("data-db-2", last({ dataSource: source }))], []), [waits, waits, "", waits])
    assert.deepEqual(told([], []), [waits, waits, "", waits])
    const remark = "Yes: new claims of template data get no volume"
    assert.deepEqual(told([claim("data-db-2")], []), [remark, "", "", ""])
    // One that a restore fills waits for something else.
    const other = { dataSource: { ...source, name: "nightly" } }
    assert.deepEqual(told([claim("data-db-2", last(other))], []), [remark, "", "", ""])
    const nothing = ["", "", "", ""]
    const seed = object("seed", { spec: { source: { persistentVolumeClaimName: "elsewhere" } } })
    assert.deepEqual(told([], [seed]), nothing)
    assert.deepEqual(told([], [{ ...seed, spec: "?" }]), nothing)
    assert.deepEqual(told([], { resource: "volumesnapshots", reason: "Forbidden", message: "No" }), nothing)
  })

  it("claims without a class wait for a default one that is not there, and not for one that is", () => {
    const pending = { spec: { volumeName: null, storageClassName: null }, status: { phase: "Pending" } }
    const waiting = (annotations: Json) =>
      findings(
        made(
          { ...well, spec: { replicas: 1 } },
          {
            persistentvolumeclaims: [claim("data-db-0", pending)],
            pods: [pod(0)],
            storageclasses: [{ metadata: { name: "any", annotations }, provisioner: "a.example" }]
          }
        ),
        "restart",
        "storage-class-missing"
      )[0]?.evidence
    assert.equal(waiting({}), "there is no default StorageClass: data-db-0 needs a volume created manually")
    assert.isUndefined(waiting({ "storageclass.kubernetes.io/is-default-class": "true" }))
  })
})

describe("what is asked of a move changes nothing here", () => {
  const remedies = (state: AppState) =>
    (answer(state).find((one) => one.question === "move")?.findings ?? []).map((one) => one.remedy ?? "")

  it("a pod that is on a node by its name may have its data there, and members know each other by nodes", () => {
    const tied = {
      nodeSelector: { "kubernetes.io/hostname": "node-a" },
      hostNetwork: true,
      volumes: [{ name: "data", hostPath: { path: "/srv/db" } }]
    }
    const told = remedies(made({ mounts: [at("/data")], pod: tied }))
    assert.include(told, "remove kubernetes.io/hostname from the manifest for the other cluster")
    assert.deepEqual(
      told.filter((one) => one.includes("kubectl patch")),
      []
    )
  })
})
