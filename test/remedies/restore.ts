/** Printed by a `restore` that runs, or has run. */
import * as Effect from "effect/Effect"
import { assert } from "vitest"
import type { Options } from "../../packages/sandbox/src/Sandbox.ts"
import { probeLabel } from "../../packages/sdk/src/Labels.ts"
import * as Restore from "../../packages/sdk/src/Restore.ts"
import * as RestoreClone from "../../packages/sdk/src/RestoreClone.ts"
import { ends } from "../../packages/sdk/src/step/fenceProbe.ts"
import type { Remedy } from "./Remedy.ts"
import { namespace, type Situation } from "./Situation.ts"
import { identity, on, yes, stateOf, nightly, taken, restored, swap, restoring } from "./nightly.ts"

/** The network enforces policies, as the pods find that prove a fence. */
const fenced: Options = {
  namespaces: [namespace, "rehearsal"],
  programs: ({ metadata }) => {
    const side = metadata.labels?.[probeLabel]
    return side === undefined
      ? undefined
      : { onStart: () => Effect.succeed(side === "behind" ? ends.none : ends.source) }
  }
}

/** `nightly` as another application in another namespace, behind its fence; answers the operation. */
const copied = async (at: Situation): Promise<string> => {
  await taken(at)
  const { id, outcome } = await on(
    at,
    RestoreClone.clone(nightly, { toNamespace: "rehearsal", as: "db", identity })
  )
  assert.equal(outcome, "Succeeded")
  return id ?? ""
}

const undone: Remedy["helps"] = (at, { out }) => {
  assert.match(out, /undone: 3 volumes/)
  assert.equal(stateOf(at), "after")
}

export const remedies: ReadonlyArray<Remedy> = [
  {
    from: "kubectl-stateful/src/print/restore.ts",
    shape: "stateful restore",
    when: "at the end of a restore",
    print: async (at) => {
      await taken(at)
      return at.printed(restoring)
    },
    fill: yes,
    changes: swap,
    helps: undone
  },
  {
    from: "kubectl-stateful/src/print/claims.ts",
    shape: "stateful restore",
    when: "where something is set aside",
    print: async (at) => {
      await restored(at)
      return at.printed("describe db -n shop")
    },
    fill: yes,
    changes: swap,
    helps: undone
  },
  {
    from: "sdk/src/Restore.ts",
    shape: "get pvc",
    when: "where there was no such restore",
    print: async (at) => {
      await restored(at)
      return at.refused("restore --undo 00000000 --yes -n shop")
    },
    helps: async (at, { out }) => {
      const [, id = ""] = /^data-db-0-([0-9a-f]{8}) /m.exec(out) ?? []
      await on(at, Restore.undo({ namespace, id }, { identity }))
      assert.equal(stateOf(at), "after")
    }
  },
  {
    from: "kubectl-stateful/src/print/clone.ts",
    shape: "stateful restore",
    when: "at the end of a restore as another one",
    options: fenced,
    print: async (at) => {
      await taken(at)
      return at.printed("restore nightly --to-namespace rehearsal --yes -n shop")
    },
    fill: yes,
    changes:
      /^(NetworkPolicy\/rehearsal\/db-fence-\w+|StatefulSet\/rehearsal\/db|(ConfigMap|Lease)\/rehearsal\/kubectl-stateful\S*)$/,
    helps: (at, { out }) => {
      assert.match(out, /db released$/m)
      assert.notMatch([...at.objects().keys()].join(), /NetworkPolicy/)
    }
  },
  {
    from: "sdk/src/RestoreRelease.ts",
    shape: "get networkpolicies",
    when: "where the fence is in another namespace",
    options: fenced,
    print: async (at) => at.refused(`restore --release ${await copied(at)} --yes -n shop`),
    helps: async (at, { out }, message) => {
      const [, id = ""] = /restore ([0-9a-f]{8}) has no isolation/.exec(message) ?? []
      assert.match(out, new RegExp(`^rehearsal +db-fence-${id} .* ${id}$`, "m"))
      await at.printed(`restore --release ${id} --yes -n rehearsal`)
    }
  },
  {
    from: "sdk/src/restore/cloneRefusals.ts",
    shape: "create namespace",
    when: "where the namespace for a copy is not there",
    options: { ...fenced, namespaces: [namespace] },
    print: async (at) => {
      await taken(at)
      return at.refused("restore nightly --to-namespace rehearsal --yes -n shop")
    },
    changes: /^(Namespace\/rehearsal|(ConfigMap|ServiceAccount)\/rehearsal\/\S+)$/,
    helps: async (at) => {
      await at.printed("restore nightly --to-namespace rehearsal --yes -n shop")
    }
  }
]
