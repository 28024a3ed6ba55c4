/** Errors as kubectl prints them: one line with the fact and what to do. */
import { AppNotFound } from "@kubectl-stateful/sdk/state/AppNotFound"
import { ClusterError } from "@kubectl-stateful/sdk/Cluster"
import { nearNames } from "@kubectl-stateful/sdk/NearName"
import snapshot from "../../command-snapshot.json" with { type: "json" }
import { carry, CarryingError } from "../command/carried.ts"
import { Usage } from "../command/usage.ts"
import { type Visible, visible } from "./terminal.ts"

/** The API's own name for a reason that our port names differently. */
const serverWords: Readonly<Record<string, string>> = {
  Unavailable: "ServiceUnavailable",
  Unsupported: "NotFound"
}

const withAction = (fact: string, action: string | undefined): string => {
  const bare = fact.trim().replace(/\.$/, "")
  if (action === undefined || action === "") return bare
  return bare.endsWith("?") ? `${bare} ${action.trim()}` : `${bare}; ${action.trim()}`
}

const clusterFailure = (error: ClusterError): string => {
  const said = withAction(error.message, error.action)
  if (error.status === undefined) return `error: ${said}`
  if (error.reason._tag === "Unauthorized") {
    return `error: You must be logged in to the server (Unauthorized); ${error.action ?? "log in again"}`
  }
  return `Error from server (${serverWords[error.reason._tag] ?? error.reason._tag}): ${said}`
}

/**
 * oclif's parse errors in kubectl's words, recognized by their texts: the classes are not exported, and a
 * bundle may rename them.
 */
const parseFailure = (error: Error, help: string): string | null => {
  if (!("oclif" in error)) return null
  const hint = `see \`${help} --help\``
  const [fact = ""] = error.message.split("\n")
  const match = (pattern: RegExp): ReadonlyArray<string> | null => pattern.exec(fact)?.slice(1) ?? null
  const [unknown] = match(/^Nonexistent flags?: ([^,]*)/) ?? []
  if (unknown !== undefined) {
    const [near] = nearNames(unknown.replace(/^--/, ""), flagsOf(help))
    if (unknown.startsWith("--") && near !== undefined)
      return `unknown flag: ${unknown}; did you mean --${near}?`
    return `${unknown.startsWith("--") ? "unknown flag" : "unknown shorthand flag"}: ${unknown}; ${hint}`
  }
  const [unexpected] = match(/^Unexpected arguments?: (.*)/) ?? []
  if (unexpected !== undefined) return `too many names: ${unexpected}; ${hint}`
  const [flag, value, allowed] = match(/^Expected (--\S+?)=(.*) to be one of: (.*)$/) ?? []
  if (flag === "--output" && /^(jsonpath|go-template|template|custom-columns)/.test(value ?? ""))
    return `-o ${value?.split("=")[0]} is not supported; use -o json, and read it with jq`
  if (flag !== undefined) return `invalid value "${value}" for ${flag}; use one of ${allowed}`
  const [lacking] = match(/^Flag (--\S+) expects/) ?? []
  return lacking === undefined ? `${fact}; ${hint}` : `flag needs an argument: ${lacking}; ${hint}`
}

/** The flags of the command whose help this is. */
const flagsOf = (help: string): ReadonlyArray<string> =>
  snapshot.commands
    .filter(({ name }) => help.endsWith(` ${name}`))
    .flatMap(({ flags }) => flags.map(({ name }) => name))

const hasAction = (error: Error): error is Error & { readonly action: string } =>
  "action" in error && typeof error.action === "string"

/** The line for stderr. `help` is the command whose help says more, e.g. `kubectl stateful describe`. */
export const failureLine = (error: unknown, help: string): Visible => {
  if (error instanceof CarryingError) return carry(failureLine(error.cause, help), error.carried)
  if (error instanceof ClusterError) return visible(clusterFailure(error))
  if (error instanceof AppNotFound) {
    return visible(`Error from server (NotFound): ${withAction(error.message, error.action)}`)
  }
  if (error instanceof Usage) return visible(`error: ${withAction(error.fact, error.action)}`)
  if (!(error instanceof Error)) return visible(`error: ${String(error)}`)
  const parse = parseFailure(error, help)
  if (parse !== null) return visible(`error: ${parse}`)
  // The SDK's other errors say what to do as well.
  if (hasAction(error)) return visible(`error: ${withAction(error.message, error.action)}`)
  if ("_tag" in error) return visible(`error: ${error.message}`)
  return visible(
    `error: ${error.name}: ${error.message}; this is a bug in kubectl-stateful, please report it`
  )
}
