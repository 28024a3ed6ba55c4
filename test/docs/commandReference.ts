/** `docs/reference/commands.md`: every command, its arguments and flags, from the table that oclif runs. */
import { clusterFlags } from "../../packages/kubectl-stateful/src/flags/cluster.ts"
import { recorded } from "../../packages/kubectl-stateful/src/program.ts"
import { cell, page, table } from "./markdown.ts"

type Commands = Awaited<ReturnType<typeof recorded>>["commands"]
type Described = Commands[string]
type Flag = Described["flags"][string]

/** The environment variables that a command reads. */
export const variables: Readonly<Record<string, string>> = {
  KUBECONFIG: "kubeconfig files, separated as in `PATH`; the default is `$HOME/.kube/config`",
  HOME: "where `.kube/config` is",
  HTTPS_PROXY: "proxy for servers with https; also in lower case, as the next two",
  HTTP_PROXY: "proxy for servers with http",
  NO_PROXY: "hosts and networks that are reached without a proxy",
  KUBERNETES_SERVICE_HOST: "in a pod without a kubeconfig: the API server",
  KUBERNETES_SERVICE_PORT: "its port",
  NO_COLOR: "if not empty: no colors on a terminal",
  TERM: "`dumb`: no colors, and no lines that are rewritten",
  COLUMNS: "the width of a page if standard output is not a terminal; the default is 80",
  OTEL_EXPORTER_OTLP_ENDPOINT: "where [traces](../traces.md) are sent; without it none are recorded"
}

const typed = (name: string, flag: Flag): string => {
  const names = [...(flag.char === undefined ? [] : [`-${flag.char}`]), `--${name}`].join(", ")
  if (flag.type !== "option") return names
  const value = flag.options === undefined ? (flag.helpValue ?? "VALUE") : flag.options.join("|")
  return `${names} ${String(value)}`
}

const byDefault = (flag: Flag): string => {
  const value: unknown = flag.type === "option" ? flag.default : undefined
  return typeof value === "string" || typeof value === "number" ? `\`${value}\`` : ""
}

const flagTable = (flags: ReadonlyArray<readonly [string, Flag]>): string =>
  table(
    ["Flag", "Default", "Meaning"],
    flags
      .filter(([, { hidden }]) => hidden !== true)
      .toSorted(([left], [right]) => left.localeCompare(right))
      .map(([name, flag]) => [
        `\`${typed(name, flag).replaceAll("|", "\\|")}\``,
        byDefault(flag),
        cell(flag.summary ?? "")
      ])
  )

/** In every command that does not use the name for something else. */
const isCommon = (name: string, flag: Flag): boolean =>
  Object.hasOwn(clusterFlags, name) &&
  flag.summary === Object.entries(clusterFlags).find(([each]) => each === name)?.[1].summary

const plain = (text: string): string => text.replaceAll("<%= config.bin %>", "kubectl stateful")

const lines = (text: string | ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  text === undefined ? [] : typeof text === "string" ? [text] : text

const section = ({ args, description, examples, flags, id, summary, usage }: Described): string => {
  const own = Object.entries(flags).filter(([name, flag]) => !isCommon(name, flag))
  const argued = Object.entries(args)
  const shown = (examples ?? []).map((example) =>
    plain(typeof example === "string" ? example : example.command)
  )
  return [
    `## ${id}`,
    plain(summary ?? ""),
    `\`\`\`text\n${lines(usage)
      .map((each) => `kubectl stateful ${each}`)
      .join("\n")}\n\`\`\``,
    ...(description === undefined ? [] : [plain(description).replaceAll("<", "&lt;")]),
    ...(argued.length === 0
      ? []
      : [
          table(
            ["Argument", "Meaning"],
            argued.map(([name, { description: text }]) => [`\`${name}\``, cell(text ?? "")])
          )
        ]),
    ...(own.length === 0 ? [] : [flagTable(own)]),
    ...(shown.length === 0 ? [] : [`\`\`\`text\n${shown.join("\n")}\n\`\`\``])
  ].join("\n\n")
}

/** The page. */
export const commandReference = async (): Promise<string> => {
  const { commands } = await recorded()
  const all = Object.values(commands).toSorted((left, right) => left.id.localeCompare(right.id))
  const [first] = all
  const common = Object.entries(first?.flags ?? {}).filter(([name, flag]) => isCommon(name, flag))
  return page("Commands", [
    "Every command with its arguments and flags. [The command line](../command-line.md) explains how to name applications, what is printed, and exit codes.",
    table(
      ["Command", ""],
      all.map(({ id, summary }) => [`[${id}](#${id})`, cell(plain(summary ?? ""))])
    ),
    "## Units",
    table(
      ["Value", "Is written as"],
      [
        ["DURATION", "`500ms`, `30s`, `2m`, `1h30m`; a number without a unit is seconds"],
        ["AGE", "the same, or whole days: `30d`"],
        ["COUNT, N", "a whole number"],
        ["FILE", "a path; where manifests are read, `-` is standard input"]
      ]
    ),
    "## Environment variables",
    table(
      ["Variable", "Meaning"],
      Object.entries(variables).map(([name, text]) => [`\`${name}\``, text])
    ),
    "## Flags of every command",
    "They have kubectl's names and kubectl's meaning. `sandbox` chooses no cluster, and has only those that are listed there.",
    flagTable(common),
    ...all.map(section)
  ])
}
