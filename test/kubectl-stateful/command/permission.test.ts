import { assert, describe, it } from "@effect/vitest"
import { make } from "@kubectl-stateful/sandbox"
import * as Effect from "effect/Effect"
import { permitted } from "../../../packages/kubectl-stateful/src/command/permission.ts"
import type { Screen } from "../../../packages/kubectl-stateful/src/command/screen.ts"
import { Cluster, ClusterError } from "../../../packages/sdk/src/Cluster.ts"
import { OperationError } from "../../../packages/sdk/src/operation/OperationError.ts"

const screen = { columns: 80, colour: false, out: () => {}, page: () => {}, err: () => {} } satisfies Screen
const way = "ask an administrator to apply what `kubectl stateful rbac scale -n default` prints"

const told = <E>(error: E, command = "scale") =>
  Effect.gen(function* () {
    const sandbox = yield* make({})
    return yield* Effect.flip(permitted(screen, { command, flags: {} }, Effect.fail(error))).pipe(
      Effect.provideService(Cluster, sandbox.cluster)
    )
  })

describe("an error of a permission", () => {
  const operation = { namespace: "default", id: "44b98c3f" }
  const stopped = {
    message: "no",
    action: "ask for a Role; then resume",
    permission: { rest: "then resume" },
    operation
  }

  it.effect("names the command that prints the Role, and keeps the rest of what it says", () =>
    Effect.gen(function* () {
      const forbidden = new ClusterError({ reason: { _tag: "Forbidden" }, status: 403, ...stopped })
      const cluster = yield* told(forbidden)
      assert.strictEqual(cluster.action, `${way}; then resume`)
      assert.deepInclude(cluster, { message: "no", status: 403, operation })
      const hook = new OperationError({ reason: { _tag: "HookFailed" }, record: "kept", ...stopped })
      assert.deepInclude(yield* told(hook), { action: `${way}; then resume`, record: "kept", operation })
      const none = new ClusterError({
        reason: { _tag: "Forbidden" },
        message: "no",
        action: "a",
        permission: { rest: null }
      })
      assert.strictEqual((yield* told(none)).action, way)
    })
  )

  it.effect("is left alone if no permission is missing, or no Role is this command's", () =>
    Effect.gen(function* () {
      const other = new ClusterError({
        reason: { _tag: "Forbidden" },
        message: "no",
        action: "ask for a Role"
      })
      assert.strictEqual(yield* told(other), other)
      const missing = new ClusterError({ reason: { _tag: "Forbidden" }, ...stopped })
      assert.strictEqual(yield* told(missing, "version"), missing)
    })
  )
})
