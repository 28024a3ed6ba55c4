/** What the volumes of a world hold, and whose they are. */
import { persistentvolumes } from "../../packages/sandbox/src/registry/kinds/core.ts"
import type { World } from "./world.ts"

/** From when a volume is, and of which claim, as a member wrote it. */
export const textOf = (world: World, volume: string): string =>
  world.sandbox.volumes.get(volume)?.readText("mark") ?? ""

/** What every volume holds, its policy, and whose it is, by its name. */
export const volumesIn = (world: World) =>
  new Map(
    world.sandbox.store.list(persistentvolumes).map(({ metadata, spec }) => [
      metadata.name,
      {
        text: textOf(world, metadata.name),
        policy: spec.persistentVolumeReclaimPolicy,
        claim: `${spec.claimRef?.namespace}/${spec.claimRef?.name}`,
        uid: spec.claimRef?.uid
      }
    ])
  )
