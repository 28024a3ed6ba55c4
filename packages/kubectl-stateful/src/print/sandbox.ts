/** Instructions for a sandbox that has started. */
import type { Answered } from "@kubectl-stateful/sandbox/LocalExec"
import { ended, printed, visible } from "./terminal.ts"

export interface Started {
  readonly file: string
  readonly url: string
  readonly name: string
  readonly scenario: { readonly summary: string; readonly namespace: string }
}

const quoted = (text: string): string =>
  /^[\w/.:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

const commands: Readonly<Record<string, ReadonlyArray<string>>> = {
  ledger: [
    "kubectl get pods -o wide",
    "kubectl stateful describe ledger",
    "kubectl exec ledger-0 -- ledger check"
  ],
  "lost-node": ["kubectl get nodes", "kubectl stateful describe ledger"],
  empty: ["kubectl get nodes", "kubectl apply -f FILE"]
}

/** A line for the shell, and the rest for people. */
export const usable = ({ file, url, name, scenario }: Started) => ({
  environment: ended([visible(`export KUBECONFIG=${quoted(file)}`)]),
  help: ended(
    [
      "",
      `The sandbox is up at ${url}:`,
      `three zones, six nodes, ${scenario.summary}.`,
      "In another terminal, after the line above:",
      "",
      ...(commands[name] ?? []).map((command) => `  ${command}`),
      "",
      "Ctrl-C stops it and deletes the file."
    ].map(visible)
  )
})

/** A command in a pod that was answered here, as it ended. */
export const executed = ({ pod, container, argv, code }: Answered) =>
  ended([visible(`${pod}/${container}: ${argv.join(" ")}: exit code ${code}`)])

/** A kubeconfig that somebody changed. */
export const kept = (file: string) =>
  ended(
    [
      "",
      `${file} was changed since, and is kept.`,
      "Delete it if it has nothing but the sandbox's entries."
    ].map(visible)
  )

export const stopped = printed`\nThe sandbox has stopped.\n`
