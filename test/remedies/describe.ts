/** Printed by `describe`. */
import { assert } from "vitest"
import { pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import type { Remedy } from "./Remedy.ts"
import { namespace } from "./Situation.ts"

export const remedies: ReadonlyArray<Remedy> = [
  {
    from: "sdk/src/state/AppNotFound.ts",
    shape: "stateful describe",
    when: "where no StatefulSet is called so",
    print: (at) => at.refused("describe nobody -n shop"),
    helps: (_, { out }) => assert.match(out, /^db /m)
  },
  {
    from: "kubectl-stateful/src/print/surroundings.ts",
    shape: "get events",
    when: "where there are more events than describe shows",
    print: async (at) => {
      for (const [index, { metadata }] of at.sandbox.store.list(pods, namespace).entries())
        for (const reason of ["A", "B", "C", "D", "E"]) {
          const event = {
            apiVersion: "v1",
            kind: "Event",
            metadata: { name: `event-${index}-${reason.toLowerCase()}`, namespace },
            involvedObject: { kind: "Pod", namespace, name: metadata.name, uid: metadata.uid },
            type: "Warning",
            reason: `Bad${reason}${index}`,
            message: `it is bad ${reason}${index}`,
            count: 1,
            firstTimestamp: metadata.creationTimestamp,
            lastTimestamp: new Date(Date.now() + 60_000).toISOString()
          }
          at.sandbox.create(event)
        }
      return at.printed("describe db -n shop")
    },
    helps: (_, { out }) => {
      for (const reason of ["BadA0", "BadE2"]) assert.include(out, reason)
    }
  }
]
