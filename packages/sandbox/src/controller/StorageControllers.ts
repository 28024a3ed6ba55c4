/** The controllers that provision, bind, attach, expand and snapshot volumes of one storage system. */
import type { Registry } from "../registry/Registry.ts"
import type { Storage } from "../storage/Storage.ts"
import { attachController } from "./Attach.ts"
import { claimsController } from "./Claims.ts"
import { Client } from "./Client.ts"
import type { Controller } from "./Controller.ts"
import { expansionController } from "./Expansion.ts"
import { groupSnapshotContentController } from "./GroupSnapshotContents.ts"
import { groupSnapshotController } from "./GroupSnapshots.ts"
import type { Provisioning } from "./Provisioner.ts"
import type { Recorder } from "./Recorder.ts"
import { snapshotContentController } from "./SnapshotContents.ts"
import { snapshotController } from "./Snapshots.ts"

export interface StorageControllersOptions {
  readonly storage: Storage
  readonly recorder: Recorder
  /** Nodes whose kubelet is not heard of. */
  readonly lost: { readonly has: (node: string) => boolean }
  /** By the name of the storage class. */
  readonly provisioning?: Readonly<Record<string, Provisioning>> | undefined
}

export const storageControllers = (
  registry: Registry,
  { storage, recorder, lost, provisioning = {} }: StorageControllersOptions
): ReadonlyArray<Controller> => {
  // The snapshot controller and its sidecar are two processes, each with a limit of its own.
  const controller = new Client(registry, storage.options.snapshotQps)
  const sidecar = new Client(registry, storage.options.snapshotQps)
  return [
    claimsController(registry, { storage, recorder, provisioning }),
    attachController(registry, storage, recorder, lost),
    expansionController(registry, storage, recorder, lost),
    snapshotController(controller, recorder),
    groupSnapshotController(controller, storage, recorder),
    snapshotContentController(sidecar, storage, recorder),
    groupSnapshotContentController(sidecar, storage)
  ]
}
