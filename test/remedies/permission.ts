/** Printed by a command whose user lacks a permission. */
import * as Effect from "effect/Effect"
import { assert } from "vitest"
import type { Draft } from "@kubectl-stateful/sandbox"
import { parseDocuments } from "@kubectl-stateful/sdk/Manifest"
import type { Remedy } from "./Remedy.ts"
import { namespace } from "./Situation.ts"

const user = "system:serviceaccount:shop:viewer"
const apiGroup = "rbac.authorization.k8s.io"

/** As `kubectl create rolebinding` and `clusterrolebinding` make it. */
const bindingOf = ({ kind, metadata: { name = "" } }: Draft) => ({
  apiVersion: `${apiGroup}/v1`,
  kind: `${kind}Binding`,
  metadata: { name, ...(kind === "Role" ? { namespace } : {}) },
  roleRef: { apiGroup, kind, name },
  subjects: [{ kind: "ServiceAccount", name: "viewer", namespace: "shop" }]
})

export const remedies: ReadonlyArray<Remedy> = [
  {
    from: "kubectl-stateful/src/command/permission.ts",
    shape: "stateful rbac",
    when: "where a ServiceAccount may read nothing",
    print: (at) => at.refused(`describe db -n shop --as ${user}`),
    helps: async (at, { out }) => {
      const roles = (await Effect.runPromise(parseDocuments(out))) as ReadonlyArray<Draft>
      for (const role of roles) {
        at.sandbox.create(role)
        at.sandbox.create(bindingOf(role))
      }
      const seen = await at.printed(`describe db -n shop --as ${user}`)
      assert.match(seen, /3 of 3 ready/)
      assert.notInclude(seen, "Not read")
    }
  }
]
