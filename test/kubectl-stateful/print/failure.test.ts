import { ClusterError, type Reason } from "@kubectl-stateful/sdk/Cluster"
import { assert, describe, it } from "vitest"
import { failureLine } from "../../../packages/kubectl-stateful/src/print/failure.ts"
import { Usage } from "../../../packages/kubectl-stateful/src/command/usage.ts"

const help = "kubectl stateful describe"
const clusterError = (
  _tag: Exclude<Reason["_tag"], "TooManyRequests">,
  message: string,
  rest: { action?: string; status?: number } = {}
) => failureLine(new ClusterError({ reason: { _tag }, message, ...rest }), help)

describe("a failure's line", () => {
  it("says what the server said, in kubectl's words, and then what to do", () => {
    assert.strictEqual(
      clusterError("NotFound", 'statefulsets.apps "dbb" not found', {
        status: 404,
        action: "did you mean db?"
      }),
      'Error from server (NotFound): statefulsets.apps "dbb" not found; did you mean db?'
    )
    assert.strictEqual(
      clusterError("Forbidden", "pods is forbidden.", {
        status: 403,
        action: "ask for a Role with this rule"
      }),
      "Error from server (Forbidden): pods is forbidden; ask for a Role with this rule"
    )
    assert.strictEqual(
      clusterError("Unavailable", "the server is busy", { status: 503 }),
      "Error from server (ServiceUnavailable): the server is busy"
    )
    assert.strictEqual(
      clusterError("Unauthorized", "Unauthorized", { status: 401, action: "log in again" }),
      "error: You must be logged in to the server (Unauthorized); log in again"
    )
  })

  it("blames no server that did not answer", () => {
    assert.strictEqual(
      clusterError("Unavailable", "https://10.0.0.1:6443 refused the connection", { action: "is it up?" }),
      "error: https://10.0.0.1:6443 refused the connection; is it up?"
    )
    assert.strictEqual(clusterError("Config", "no kubeconfig found"), "error: no kubeconfig found")
  })

  it("is one line, whatever the message carries, and acts on no terminal", () => {
    const line = clusterError("Invalid", "first\nsecond\u001b[2J\u202e", { status: 422 })
    assert.strictEqual(line, "Error from server (Invalid): first\\nsecond\\u001b[2J\\u202e")
  })

  it("of a wrong command line names the way out", () => {
    assert.strictEqual(failureLine(new Usage("too much", "take less"), help), "error: too much; take less")
  })

  it("that nobody foresaw is called a fault, without a stack", () => {
    assert.strictEqual(
      failureLine(new TypeError("x is not a function"), help),
      "error: TypeError: x is not a function; this is a bug in kubectl-stateful, please report it"
    )
  })
})
