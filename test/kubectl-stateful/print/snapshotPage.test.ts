import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { descriptionText, diffText } from "../../../packages/kubectl-stateful/src/print/snapshotPage.ts"
import type { Description } from "../../../packages/sdk/src/SnapshotSet.ts"

const cut = (ordinal: number, cutAt: number) => ({
  claim: `data-db-${ordinal}`,
  uid: `uid-${ordinal}`,
  workload: "StatefulSet/db",
  ordinal,
  volume: `pv-${ordinal}`,
  volumeHandle: `volume-${ordinal}`,
  driver: "csi.example.com",
  class: "fast",
  storageClass: "fast",
  size: "1Gi",
  snapshot: `nightly-data-db-${ordinal}`,
  group: null,
  snapshotHandle: `snap-${ordinal}`,
  cutAt,
  restoreSize: 1 << 30,
  nodeAffinity: ["topology.kubernetes.io/zone In [a]"]
})

const description: Description = {
  summary: {
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Snapshot",
    name: "nightly",
    namespace: "shop",
    app: { _tag: "StatefulSet", namespace: "shop", name: "db" },
    operation: "8f3a21bc",
    created: "2026-11-28T03:15:00Z",
    asked: "auto",
    level: "quiesced",
    why: ["each member is recoverable from its own snapshot, not all at one moment"],
    skew: 12,
    quiesced: {
      operation: "8f3a21bc",
      guarantee: "recoverable-per-member",
      deadline: 10_000,
      members: [{ pod: "db-0", millis: 314 }]
    },
    retained: true,
    cuts: [cut(0, 1_000_000), cut(1, 13_000_000)],
    placement: [
      {
        workload: "StatefulSet/db",
        nodeSelector: { disk: "ssd" },
        affinity: [],
        tolerations: ["dedicated=db:NoSchedule"],
        devices: { "example.com/gpu": "1" },
        resourceClaims: [],
        runtimeClass: "gvisor",
        architectures: ["amd64"]
      }
    ],
    changed: ["ConfigMap/settings"],
    leftOut: [{ what: "Secret/token", why: "of type kubernetes.io/service-account-token" }],
    replicas: { "StatefulSet/db": 2 },
    manifests: ["StatefulSet/db", "Secret/\u001b[31mpass"],
    objects: 2
  },
  ready: ["data-db-0"],
  now: [
    {
      claim: "data-db-0",
      snapshot: "nightly-data-db-0",
      content: "snapcontent-0",
      deletionPolicy: "Retain",
      cutAt: null,
      ready: true,
      why: null
    },
    {
      claim: "data-db-1",
      snapshot: null,
      content: null,
      deletionPolicy: null,
      cutAt: null,
      ready: false,
      why: 'volumesnapshot "nightly-data-db-1" is gone'
    }
  ],
  restorable: false,
  obstacles: ['volumesnapshot "nightly-data-db-1" is gone'],
  oneMoment: false
}

describe("the page of a snapshot", () => {
  it.effect("says where nothing in the pods would have ended its freeze, and who calls it recoverable", () =>
    Effect.gen(function* () {
      const { summary } = description
      const of = (more: Partial<Description["summary"]>) =>
        descriptionText({ ...description, summary: { ...summary, ...more } }, undefined, summary.created, {
          columns: 100
        })
      const quiesced = { ...(summary.quiesced ?? assert.fail()), unbounded: "request" as const }
      assert.include(
        yield* of({ quiesced }),
        "frozen by a request: nothing in the pods would have ended that"
      )
      const recoverable = { profile: "postgres" }
      const { quiesced: _, ...without } = summary
      const alone = { ...description, summary: { ...without, level: "crash" as const, recoverable } }
      const page = yield* descriptionText(alone, undefined, summary.created, { columns: 100 })
      assert.include(page, "Level:        recoverable per member (requested: auto)")
      assert.include(page, "according to profile postgres; each member had all its data on one volume")
    })
  )

  it.effect("says that it goes with its namespace once somebody has changed the policies", () =>
    Effect.gen(function* () {
      const of = (deletionPolicy: string | null) => {
        const now = (description.now ?? []).map((one) => ({ ...one, deletionPolicy }))
        return descriptionText({ ...description, now }, undefined, description.summary.created, {
          columns: 100
        })
      }
      assert.include(
        yield* of("Delete"),
        "Retention:    2 of 2 deleted with its namespace: deletionPolicy Delete, changed since"
      )
      assert.include(
        yield* of(null),
        "Retention:    kept if its namespace is deleted, when it was taken: <unknown> now"
      )
    })
  )

  it.effect("has all that the record knows, what is there of it now, and nothing that a terminal obeys", () =>
    Effect.gen(function* () {
      const page = String(
        yield* descriptionText(description, undefined, "2026-11-28T03:20:00Z", { columns: 100 })
      )
      assert.strictEqual(
        page,
        `Name:         nightly
Namespace:    shop
Application:  db
Taken:        2026-11-28T03:15:00Z, 5m ago
Level:        quiesced per member (requested: auto)
Not higher:   each member is recoverable from its own snapshot, not all at one moment
Skew:         12ms: not a single point in time
Changed:      ConfigMap/settings, during the snapshot
Replicas:     StatefulSet/db: 2
Placement:    StatefulSet/db; on amd64; runtime class gvisor; nodeSelector disk=ssd; tolerates
              dedicated=db:NoSchedule; devices example.com/gpu=1
              data-db-0: volume in topology.kubernetes.io/zone In [a]
              data-db-1: volume in topology.kubernetes.io/zone In [a]
Excluded:     Secret/token: of type kubernetes.io/service-account-token
Manifests:    StatefulSet/db, Secret/\\u001b[31mpass
Size:         2Gi
Retention:    kept if its namespace is deleted: deletionPolicy Retain
Restorable:   volumesnapshot "nightly-data-db-1" is gone

POD    QUIESCED
db-0   314ms of at most 10s

CLAIM       SIZE   RESTORE   CUT     READY   VOLUMESNAPSHOT      POLICY
data-db-0   1Gi    1Gi       +0ms    yes     nightly-data-db-0   Retain      csi.example.com: snap-0
data-db-1   1Gi    1Gi       +12ms   no      nightly-data-db-1   <unknown>   csi.example.com: snap-1
`
      )
      const json = JSON.parse(String(yield* descriptionText(description, "json", "", { columns: 80 })))
      assert.deepInclude(json, { kind: "Snapshot", restorable: false, oneMoment: false })
    })
  )

  it.effect("of a difference is a line for each, and says when there is none", () =>
    Effect.gen(function* () {
      const change = { about: "secrets", what: "Secret/pass", change: "changed" } as const
      const some = { differences: [change], notCompared: ["Secret/token: it may not be read"] }
      assert.strictEqual(
        String(yield* diffText(some, undefined, { columns: 80 })),
        "ABOUT     OBJECT        CHANGE\nsecrets   Secret/pass   changed\nNot compared: Secret/token: it may not be read\n"
      )
      const none = yield* diffText({ differences: [], notCompared: [] }, undefined, { columns: 80 })
      assert.strictEqual(String(none), "No differences.\n")
    })
  )
})
