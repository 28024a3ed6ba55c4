/** The scripts of `completion`, in the shells that they are for, with the real program. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import {
  completionScripts,
  type Shell
} from "../../../packages/kubectl-stateful/src/program/completionScripts.ts"
import { bin, cache } from "../../shipped.ts"

const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-scripts-"))
afterAll(() => rmSync(folder, { recursive: true }))

const scriptOf = (shell: Shell): string => {
  const path = join(folder, shell)
  writeFileSync(path, completionScripts[shell])
  return path
}

/** What a shell prints that runs these commands. */
const printed = (shell: string, args: ReadonlyArray<string>): Array<string> =>
  execFileSync(shell, args, {
    encoding: "utf8",
    env: {
      ...process.env,
      ...cache(),
      PATH: `${bin()}:${process.env["PATH"]}`,
      KUBECONFIG: join(folder, "none")
    }
  })
    .split("\n")
    .filter((line) => line !== "")

const has = (shell: string): boolean =>
  (process.env["PATH"] ?? "").split(":").some((part) => existsSync(join(part, shell)))

describe.concurrent("a completion script", () => {
  /** Words as readline gives them: it breaks them at `=` and `:` too. */
  const inBash = (line: string, ...words: ReadonlyArray<string>) =>
    printed("bash", [
      "--norc",
      "-c",
      `source "$1"; shift; COMP_LINE=$1; COMP_POINT=\${#1}; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
       _kubectl_stateful; printf '%s\\n' "\${COMPREPLY[@]}"`,
      "bash",
      scriptOf("bash"),
      line,
      ...words
    ])

  it("of bash completes commands, flags, values of flags, and files", () => {
    assert.deepEqual(inBash("kubectl-stateful sc", "kubectl-stateful", "sc"), ["scale"])
    const flag = inBash("kubectl-stateful scale --repl", "kubectl-stateful", "scale", "--repl")
    assert.deepEqual(flag, ["--replicas"])
    const begun = ["kubectl-stateful", "describe", "--color"]
    assert.deepEqual(inBash("kubectl-stateful describe --color=a", ...begun, "=", "a"), ["auto", "always"])
    assert.deepEqual(inBash("kubectl-stateful describe --color=", ...begun, "="), ["auto", "always", "never"])
    const unbroken = inBash(
      "kubectl-stateful describe --color=n",
      "kubectl-stateful",
      "describe",
      "--color=n"
    )
    assert.deepEqual(unbroken, ["--color=never"])
    writeFileSync(join(folder, "own.yaml"), "")
    const path = join(folder, "ow")
    assert.deepEqual(inBash(`kubectl-stateful profile ${path}`, "kubectl-stateful", "profile", path), [
      join(folder, "own.yaml")
    ])
  })

  it("of bash runs nothing that is typed or offered", () => {
    const marker = join(folder, "run")
    const typed = `$(touch ${marker})`
    inBash(`kubectl-stateful profile ${typed} `, "kubectl-stateful", "profile", typed, "")
    assert.isFalse(existsSync(marker))
  })

  it.runIf(has("fish"))("of fish completes the same, each with its summary", () => {
    const inFish = (line: string) =>
      printed("fish", ["--no-config", "-c", `source "${scriptOf("fish")}"; complete -C "${line}"`])
    assert.match(inFish("kubectl-stateful sc").join(), /^scale\tScale a StatefulSet in order/)
    assert.sameMembers(inFish("kubectl-stateful describe --color=a"), ["--color=always", "--color=auto"])
    assert.sameMembers(inFish("kubectl-stateful completion "), Object.keys(completionScripts))
  })

  it.runIf(has("zsh"))("of zsh completes the same", () => {
    const inZsh = (words: ReadonlyArray<string>, prefix: string) =>
      printed("zsh", [
        "-f",
        "-c",
        `compdef() { : }; compset() { : }; _describe() { print -l -- "\${(@P)2}" }; source "$1"; shift
         PREFIX=$1; shift; words=("$@" "$PREFIX"); CURRENT=$#words; _kubectl_stateful`,
        "zsh",
        scriptOf("zsh"),
        prefix,
        ...words
      ])
    assert.match(inZsh(["kubectl-stateful"], "sc").join(), /^scale:Scale a StatefulSet in order/)
    assert.deepEqual(inZsh(["kubectl-stateful", "describe"], "--color=a"), ["auto", "always"])
  })
})
