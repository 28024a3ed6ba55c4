/**
 * The flags of a command line that choose the cluster and the user, carried over into the commands that it prints:
 * without them, those would reach whatever the current context is. No credential is among them.
 */
import { shellWord } from "@kubectl-stateful/sdk/ShellWord"
import { inserted, type Visible, visible } from "../print/terminal.ts"
import type { Screen } from "./screen.ts"

/** Whom kubectl acts as; `restore` calls a copy so. */
const impersonating = ["as", "as-uid", "as-group"] as const

const names = [
  "kubeconfig",
  "context",
  "cluster",
  "user",
  "server",
  "certificate-authority",
  "tls-server-name",
  ...impersonating
] as const

/** A flag, and its value. */
export type Carried = ReadonlyArray<readonly [flag: (typeof names)[number], value: string]>

/** Those that were given; `own` are flags of the command itself, which mean something else. */
export const carriedFlags = (given: object, own: object): Carried =>
  names
    .filter((name) => !Object.hasOwn(own, name))
    .flatMap((name) => {
      const value: unknown = Reflect.get(given, name)
      const values: ReadonlyArray<unknown> = Array.isArray(value) ? value : [value]
      return values.flatMap((one) =>
        // An address may have a password in it.
        typeof one !== "string" || one === "" || (name === "server" && one.includes("@"))
          ? []
          : [[name, one] as const]
      )
    })

/** Verbs of kubectl's that our texts name; behind others `kubectl` is prose. */
const verbs =
  "annotate|api-resources|apply|auth|cordon|create|delete|describe|drain|edit|exec|get|label|logs|patch|rollout|run|scale|taint|uncordon|wait"

/** What flags come behind: `kubectl` or `kubectl stateful`, in one line or broken, where no flags are yet. */
const place = new RegExp(
  String.raw`\bkubectl (?:\\\n *)?(?:(?=(?:${verbs})\b)|stateful (?:\\\n *)?)(?=([a-z]+))`,
  "g"
)

const words = (carried: Carried): Visible =>
  visible(carried.map(([flag, value]) => `--${flag} ${shellWord(value)} `).join(""))

/** The text, with these flags in each command of kubectl's and of the plugin's. */
export const carry = <Text extends string>(text: Text, carried: Carried): Text => {
  if (carried.length === 0) return text
  const all = words(carried)
  const isOfUser = ([flag]: Carried[number]) => impersonating.some((one) => one === flag)
  const others = new Map([
    ["restore", words(carried.filter((one) => !isOfUser(one)))],
    // An administrator runs it, with a kubeconfig of their own; it asks no cluster.
    ["rbac", words([])]
  ])
  return inserted(text, place, (command) => others.get(command) ?? all)
}

/** A screen on which each command has these flags; documents on stdout stay as they are. */
export const carryingScreen = (screen: Screen, carried: Carried, isDocument: boolean): Screen => ({
  ...screen,
  carry: (text) => carry(text, carried),
  out: isDocument ? screen.out : (text) => screen.out(carry(text, carried)),
  page: isDocument ? screen.page : (text) => screen.page(carry(text, carried)),
  err: (text) => screen.err(carry(text, carried))
})

/** What a command failed with, and the flags for the commands that this names. */
export class CarryingError extends Error {
  override readonly cause: Error
  readonly carried: Carried

  constructor(cause: Error, carried: Carried) {
    super(cause.message)
    this.cause = cause
    this.carried = carried
  }
}
