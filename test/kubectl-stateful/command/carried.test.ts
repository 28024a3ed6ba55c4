/** A command that is printed reaches the cluster of the command line that printed it. */
import { stripVTControlCharacters } from "node:util"
import { make } from "@kubectl-stateful/sandbox"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import type { OperationResult, Progress } from "@kubectl-stateful/sdk/operation/Progress"
import {
  carry,
  carriedFlags,
  carryingScreen
} from "../../../packages/kubectl-stateful/src/command/carried.ts"
import { KubectlCommand } from "../../../packages/kubectl-stateful/src/command/KubectlCommand.ts"
import { shown } from "../../../packages/kubectl-stateful/src/command/operation.ts"
import type { Screen } from "../../../packages/kubectl-stateful/src/command/screen.ts"
import { clusterFlags } from "../../../packages/kubectl-stateful/src/flags/cluster.ts"
import { RestoreCommand } from "../../../packages/kubectl-stateful/src/commands/restore.ts"
import { Resume } from "../../../packages/kubectl-stateful/src/commands/resume.ts"
import { outputFlag } from "../../../packages/kubectl-stateful/src/flags/output.ts"
import { ended, visible } from "../../../packages/kubectl-stateful/src/print/terminal.ts"
import { outcome } from "../commands/outcome.ts"

/** Prints commands in each way there is. */
class Says extends KubectlCommand {
  static override flags = outputFlag

  async run(): Promise<void> {
    await this.parse(Says)
    this.screen.out(ended([visible("kubectl get pvc")]))
    this.screen.page(ended([visible("kubectl get pods")]))
    this.screen.err(ended([visible("kubectl stateful operations")]))
  }
}

const run = (command: unknown, called: string, argv: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sandbox = yield* make({ startMillis: 10 })
    return yield* Effect.promise(() =>
      outcome({ command, called: `kubectl stateful ${called}` }, sandbox.cluster, argv)
    )
  })

/** The text as it is printed by a command line with these flags. */
const printed = (text: string, given: object, own: object = {}) =>
  carry(visible(text), carriedFlags(given, own))

describe("a command that is printed", () => {
  it("is one with a verb: where kubectl is spoken of, it stays as it is", () => {
    const prose = "kubectl takes the last one, as kubectl reads it"
    assert.equal(printed(prose, { context: "prod" }), prose)
  })

  it.effect("by an error has the flags that chose the cluster, each as a word of a shell", () =>
    Effect.gen(function* () {
      const flags = [
        "--context",
        "prod eu",
        "--kubeconfig=./prod",
        "--as",
        "ann",
        "--as-group",
        "a",
        "--as-group=b"
      ]
      const { failure } = yield* run(Resume, "resume", ["deadbeef", ...flags, "--token", "s3cret"])
      assert.include(
        failure,
        "`kubectl stateful --kubeconfig ./prod --context 'prod eu' --as ann --as-group a --as-group b operations -n default`"
      )
      assert.notInclude(failure, "s3cret")
    })
  )

  it.effect("on stdout and stderr has them too, but not in a document for programs", () =>
    Effect.gen(function* () {
      const said = yield* run(Says, "says", ["--context", "prod"])
      assert.strictEqual(said.out, "kubectl --context prod get pvc\nkubectl --context prod get pods\n")
      assert.strictEqual(said.err, "kubectl stateful --context prod operations\n")
      const { err, out } = yield* run(Says, "says", ["--context", "prod", "-o", "json"])
      assert.strictEqual(out, "kubectl get pvc\nkubectl get pods\n")
      assert.strictEqual(err, said.err)
    })
  )

  it.effect("in a row of a terminal's progress has them within the terminal's width", () =>
    Effect.gen(function* () {
      const sandbox = yield* make({ startMillis: 10 })
      let err = ""
      const screen: Screen = {
        columns: 60,
        colour: false,
        out: () => {},
        page: () => {},
        err: (text) => void (err += text),
        live: () => ({ columns: 60, rows: 10 })
      }
      const event: Progress = {
        _tag: "Waiting",
        subject: { kind: "Pod", name: "db-1" },
        for: "kubectl delete pod db-1 -n shop and a reason that is too long for one line"
      }
      const result: OperationResult = {
        apiVersion: "kubectl-stateful.dev/v1",
        kind: "OperationResult",
        id: null,
        verb: "scale",
        app: { _tag: "StatefulSet", namespace: "shop", name: "db" },
        outcome: "Succeeded",
        aborted: false,
        unmet: [],
        millis: 0,
        stages: [],
        notes: [],
        result: null
      }
      yield* shown(carryingScreen(screen, [["context", "prod"]], false), undefined, (report) =>
        Effect.as(report(event), result)
      ).pipe(Effect.provideService(Cluster, sandbox.cluster))
      const rows = stripVTControlCharacters(err)
        .split("\n")
        .filter((row) => row.includes("kubectl"))
      assert.isNotEmpty(rows)
      for (const row of rows) {
        assert.include(row, "kubectl --context prod delete pod")
        assert.isBelow(row.trim().length, 60)
      }
    })
  )

  it.effect("has none where none was given", () =>
    Effect.gen(function* () {
      const { failure } = yield* run(Resume, "resume", ["deadbeef"])
      assert.include(failure, "`kubectl stateful operations -n default`")
    })
  )

  it("never has a credential, nor any other flag", () => {
    const given = Object.fromEntries(Object.keys(clusterFlags).map((name) => [name, `of-${name}`]))
    const words = printed("kubectl get pvc", given)
      .split(" ")
      .filter((word) => word.startsWith("--"))
    assert.deepEqual(
      words,
      ["kubeconfig", "context", "cluster", "user", "server", "certificate-authority", "tls-server-name"]
        .concat(["as", "as-uid", "as-group"])
        .map((name) => `--${name}`)
    )
    assert.strictEqual(printed("kubectl get pvc", { server: "https://a:b@host" }), "kubectl get pvc")
  })

  it("of kubectl's own has them as well, in the middle of a text and over several lines", () => {
    const given = { context: "prod" }
    assert.strictEqual(
      printed("fix it: kubectl patch pv a -p '{}' && kubectl stateful abort 1; then try again", given),
      "fix it: kubectl --context prod patch pv a -p '{}' && kubectl stateful --context prod abort 1; then try again"
    )
    const broken = ended(["see kubectl \\", "  stateful \\", "  abort 1"].map(visible))
    const carried = ended(["see kubectl \\", "  stateful \\", "  --context prod abort 1"].map(visible))
    assert.strictEqual(carry(broken, carriedFlags(given, {})), carried)
    assert.strictEqual(
      printed("kubectl-stateful v1 of kubectl.kubernetes.io", given),
      "kubectl-stateful v1 of kubectl.kubernetes.io"
    )
  })

  it("about the kubeconfig itself, or for an administrator with another one, stays as it is", () => {
    for (const text of [
      "kubectl config get-contexts --kubeconfig ./prod",
      "kubectl stateful rbac scale -n shop"
    ])
      assert.strictEqual(printed(text, { context: "nope", kubeconfig: "./prod", as: "ann" }), text)
  })

  it("has no flag that means something else there, or on the command line that prints it", () => {
    assert.strictEqual(
      printed("kubectl stateful abort 1", { as: "copy" }, RestoreCommand.flags),
      "kubectl stateful abort 1"
    )
    assert.strictEqual(
      printed("kubectl stateful restore --undo 1", { context: "prod", as: "ann", "as-group": ["a"] }),
      "kubectl stateful --context prod restore --undo 1"
    )
  })
})
