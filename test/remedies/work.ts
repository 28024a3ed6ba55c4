/** Printed by `scale`, `resume`, `abort`, `operations`, `thaw`, `describe`, and what they share. */
import { assert } from "vitest"
import type { Remedy } from "./Remedy.ts"
import type { Unplayed } from "./table.ts"

export const remedies: ReadonlyArray<Remedy> = [
  {
    from: "sdk/src/state/AppNotFound.ts",
    shape: "stateful describe",
    when: "where no StatefulSet is called so",
    print: (at) => at.refused("describe nobody -n shop"),
    helps: (_, { out }) => assert.match(out, /^db /m)
  },
  {
    from: "sdk/src/scale/ScaleData.ts",
    shape: "patch pv spec.persistentVolumeReclaimPolicy",
    when: "where a claim in deletion takes its volume with it",
    print: async (at) => {
      await at.run("kubectl delete pvc data-db-2 -n shop --wait=false")
      return at.refused("scale db --replicas 2 --dry-run=client -n shop")
    },
    changes: /^PersistentVolume\/of-data-db-2$/,
    helps: async (at) => {
      await at.printed("scale db --replicas 2 --dry-run=client -n shop")
    }
  }
]

export const unplayed: ReadonlyArray<Unplayed> = []
