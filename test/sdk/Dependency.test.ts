import { assert, describe, it } from "vitest"
import { answer } from "../../packages/sdk/src/Checklist.ts"
import type { Observation } from "../../packages/sdk/src/state/observation.ts"
import { forbidden, type Json, object, stateOf, statefulSet, volume } from "./objects.ts"

const volumes = (csi: Json) =>
  [0, 1, 2].flatMap((ordinal) =>
    ["data", "wal"].map((name) => volume(`${name}-db-${ordinal}`, { spec: { csi } }))
  )

const parameters = {
  "csi.storage.k8s.io/provisioner-secret-name": "make",
  "csi.storage.k8s.io/provisioner-secret-namespace": "storage"
}
const storageclasses = [{ metadata: { name: "shared" }, provisioner: "csi.example.com", parameters }]
const staged = { nodeStageSecretRef: { name: "stage", namespace: "storage" } }

const missing = (
  changes: Observation["lists"],
  secretsElsewhere: Readonly<Record<string, ReadonlySet<string> | null>>
) =>
  answer(stateOf(changes, { secretsElsewhere })).map(({ question, findings }) => [
    question,
    findings.filter(({ rule }) => rule === "reference-missing").map(({ evidence }) => evidence)
  ])

describe("a volume's Secrets", () => {
  it("are named once, by the workload and the class, with the namespace they are in", () => {
    const { dependencies } = stateOf(
      { persistentvolumes: volumes(staged), storageclasses },
      { secretsElsewhere: { storage: new Set(["stage"]) } }
    )
    assert.deepEqual(dependencies, [
      {
        kind: "Secret",
        name: "make",
        namespace: "storage",
        usedBy: ["StorageClass/shared provisioner"],
        present: false
      },
      {
        kind: "Secret",
        name: "stage",
        namespace: "storage",
        usedBy: ["StatefulSet/db nodeStageSecretRef"],
        present: true
      }
    ])
  })

  it("are not the app's where the volume is another claim's", () => {
    const persistentvolumes = [
      volume("data-db-0", { spec: { csi: staged, claimRef: { name: "other", namespace: "shop" } } })
    ]
    assert.deepEqual(stateOf({ persistentvolumes }).dependencies, [])
  })

  it("are looked for in the app's own list where they are in its namespace", () => {
    const own = volumes({ nodePublishSecretRef: { name: "mine", namespace: "shop" } })
    const present = (secrets: Observation["lists"]["secrets"]) =>
      stateOf({ persistentvolumes: own, ...(secrets === undefined ? {} : { secrets }) }).dependencies.map(
        (one) => one.present
      )
    assert.deepEqual(present([object("mine")]), [true])
    assert.deepEqual(present([]), [false])
    assert.deepEqual(present(forbidden("secrets")), [null])
  })

  it("that could not be read are not said to be missing", () => {
    const changes = { persistentvolumes: volumes(staged), storageclasses }
    assert.deepEqual(
      missing(changes, { storage: null }).map(([, said]) => said),
      [[], [], [], []]
    )
  })

  it("keep a pod from starting where they are for mounts, and only new volumes where they are for making", () => {
    const changes = { persistentvolumes: volumes(staged), storageclasses }
    const make = "Secret storage/make not found: no new volume can be provisioned"
    const stage = "Secret storage/stage not found: new pods cannot start"
    assert.deepEqual(missing(changes, { storage: new Set() }), [
      ["restart", [stage]],
      ["snapshot", []],
      ["move", [make, stage]],
      ["restore", [make, stage]]
    ])
    const grow = { controllerExpandSecretRef: { name: "grow", namespace: "storage" } }
    assert.deepEqual(
      missing({ persistentvolumes: volumes(grow) }, { storage: new Set() }).map(([, said]) => said),
      [[], [], [], []]
    )
  })
})

describe("a ResourceClaim, and a template of one,", () => {
  const resourceClaims = [
    { name: "one", resourceClaimName: "shared" },
    { name: "two", resourceClaimTemplateName: "fpga" }
  ]
  const statefulsets = [
    statefulSet({ spec: { template: { spec: { containers: [{ name: "main" }], resourceClaims } } } })
  ]

  it("that is not there keeps pods from starting", () => {
    const state = stateOf({ statefulsets, resourceclaims: [], resourceclaimtemplates: [] })
    assert.deepEqual(
      state.dependencies.map(({ kind, name, present }) => [kind, name, present]),
      [
        ["ResourceClaim", "shared", false],
        ["ResourceClaimTemplate", "fpga", false]
      ]
    )
    const [restart] = answer(state)
    assert.includeMembers(
      (restart?.findings ?? []).map(({ evidence }) => evidence),
      [
        "ResourceClaim shared not found: new pods cannot start",
        "ResourceClaimTemplate fpga not found: new pods cannot start"
      ]
    )
  })
})
