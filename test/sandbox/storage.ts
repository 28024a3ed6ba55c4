/** Claims, pods and snapshots, as the tests of storage write them. */
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { KubeObject } from "../../packages/sandbox/src/apimachinery/KubeObject.ts"
import {
  events,
  persistentvolumeclaims,
  persistentvolumes
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import {
  volumegroupsnapshots,
  volumesnapshotcontents,
  volumesnapshots
} from "../../packages/sandbox/src/registry/kinds/storage.ts"
import { make, type Options, type Shape } from "../../packages/sandbox/src/Sandbox.ts"
import type { Volume } from "../../packages/sandbox/src/storage/Volume.ts"

export const driver = "sandbox.csi.kubectl-stateful.dev"

export const claim = (name: string, spec: object = {}, labels: Record<string, string> = {}) => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name, labels },
  spec: {
    storageClassName: "shared-immediate",
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage: "1Gi" } },
    ...spec
  }
})

export const fromSnapshot = (name: string) => ({
  dataSource: { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name }
})

/** A pod that has a claim at `/data`, on a node when one is named. */
export const pod = (name: string, claimName: string, nodeName?: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    ...(nodeName === undefined ? {} : { nodeName }),
    containers: [{ name: "main", image: "db:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
    volumes: [{ name: "data", persistentVolumeClaim: { claimName } }]
  }
})

export const snapshot = (name: string, claimName: string, className?: string) => ({
  apiVersion: "snapshot.storage.k8s.io/v1",
  kind: "VolumeSnapshot",
  metadata: { name },
  spec: {
    ...(className === undefined ? {} : { volumeSnapshotClassName: className }),
    source: { persistentVolumeClaimName: claimName }
  }
})

export const group = (name: string, selector: object, className?: string) => ({
  apiVersion: "groupsnapshot.storage.k8s.io/v1",
  kind: "VolumeGroupSnapshot",
  metadata: { name },
  spec: {
    ...(className === undefined ? {} : { volumeGroupSnapshotClassName: className }),
    source: { selector }
  }
})

const classOf =
  (apiVersion: string, kind: string) =>
  (name: string, parameters: Record<string, string> = {}, rest: object = {}) => ({
    apiVersion,
    kind,
    metadata: { name },
    driver,
    deletionPolicy: "Delete",
    parameters,
    ...rest
  })

export const snapshotClass = classOf("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass")
export const groupClass = classOf("groupsnapshot.storage.k8s.io/v1", "VolumeGroupSnapshotClass")

/** A sandbox with these claims bound. */
export const withClaims = (names: ReadonlyArray<string>, options: Options = {}) =>
  Effect.gen(function* () {
    const sandbox = yield* make({ events: true, ...options })
    for (const name of names) sandbox.create(claim(name, {}, { app: "db" }))
    yield* TestClock.adjust("1 second")
    return sandbox
  })

export const claimIn = (sandbox: Shape, name: string) =>
  sandbox.registry.find(persistentvolumeclaims, "default", name)

export const snapshotIn = (sandbox: Shape, name: string) =>
  sandbox.registry.find(volumesnapshots, "default", name)

export const contentOf = (sandbox: Shape, name: string) =>
  sandbox.registry.find(
    volumesnapshotcontents,
    undefined,
    snapshotIn(sandbox, name).status?.boundVolumeSnapshotContentName ?? ""
  )

export const groupIn = (sandbox: Shape, name: string) =>
  sandbox.registry.find(volumegroupsnapshots, "default", name)

/** The members of a group, by the claims that they are of. */
export const membersIn = (sandbox: Shape, groupName: string) =>
  sandbox.store
    .list(volumesnapshots, "default")
    .filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === groupName)
    .toSorted((left, right) =>
      String(left.spec.source.persistentVolumeClaimName) < String(right.spec.source.persistentVolumeClaimName)
        ? -1
        : 1
    )

/** The bytes behind a claim. */
export const bytesOf = (sandbox: Shape, name: string): Volume => {
  const volume = sandbox.store.get(persistentvolumes, undefined, claimIn(sandbox, name).spec.volumeName ?? "")
  const bytes = sandbox.volumes.get(volume?.spec.csi?.volumeHandle ?? "")
  if (bytes === undefined) throw new Error(`claim ${name} has no volume`)
  return bytes
}

/** What events of a reason say of an object. */
export const said = (sandbox: Shape, about: string, reason: string): ReadonlyArray<unknown> =>
  sandbox.store
    .list(events)
    .map((event): KubeObject & Readonly<Record<string, unknown>> => ({ ...event }))
    .filter(
      (event) =>
        event["reason"] === reason && (event["involvedObject"] as { readonly name?: string }).name === about
    )
    .map((event) => event["message"])
