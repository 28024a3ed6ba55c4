/**
 * The ledger: an application whose replicas move money between each other all the time, so that a
 * snapshot of them shows at once whether it was taken at one moment.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { heldExec, isHeld } from "../node/HeldExec.ts"
import { hookExec, isHook } from "../node/HookExec.ts"
import { type Command, type Host, plainExec, type Program } from "../node/Program.ts"
import { check, describe } from "./Check.ts"
import { Member, memberOf } from "./Member.ts"

export interface LedgerOptions {
  /** The opening balance of a new member. Default 1000. */
  readonly opening?: number
  /** Between two transfers of one member, on average. Default 100. */
  readonly everyMillis?: number
}

/** Longest time without transfers that can be asked for. */
const quietSeconds = 300

const usage = `usage: ledger COMMAND

  balance          what this member has
  check            whether all members together are in a state that can be
  quiesce SECONDS  send nothing for so long; returns when nothing is in flight
  unquiesce        go on; exit 1 if the time had run out before
  hold             send nothing until the input ends; says "held" when nothing is in flight
`

const ledgerCommand = (
  member: Member,
  words: ReadonlyArray<string>,
  { stdin, stdout, stderr }: Command
): Effect.Effect<number> => {
  switch (words[0]) {
    case "balance": {
      const { balance } = member.account
      return Effect.as(stdout(`${member.name}   ${balance}   ${member.inFlight} in flight\n`), 0)
    }
    case "check": {
      // Nothing else runs within this step, so it reads all volumes at one moment.
      const all = [member, ...member.peers()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
      const verdict = check(Object.fromEntries(all.map(({ name, volume }) => [name, volume])))
      return Effect.as(stdout(describe(verdict)), verdict.faults.length === 0 ? 0 : 1)
    }
    case "quiesce": {
      const seconds = Number(words[1])
      return seconds > 0 && seconds <= quietSeconds
        ? Effect.as(member.quiesce(seconds * 1000), 0)
        : Effect.as(stderr(`quiesce for how many seconds, up to ${quietSeconds}?\n`), 2)
    }
    case "unquiesce":
      return Effect.flatMap(member.unquiesce(), (held) =>
        held ? Effect.succeed(0) : Effect.as(stderr("it was not quiet any more\n"), 1)
      )
    case "hold":
      return Effect.gen(function* () {
        yield* member.quiesce(quietSeconds * 1000)
        yield* stdout("held\n")
        yield* Stream.runDrain(stdin)
        // Somebody else's unquiesce ends it too.
        return (yield* member.unquiesce()) ? 0 : 1
      }).pipe(Effect.onInterrupt(() => Effect.asVoid(member.unquiesce())))
    case undefined:
    default:
      return Effect.as(stderr(usage), 2)
  }
}

const onExec = (host: Host, command: Command): Effect.Effect<number | null, never, Scope.Scope> => {
  const [name, ...words] = command.argv
  if (name === "ledger") {
    const member = memberOf(host)
    return member === undefined
      ? Effect.as(command.stderr("the ledger is not up yet\n"), 1)
      : ledgerCommand(member, words, command)
  }
  // Of a shell it has what hooks need: the two scripts that prove how a command goes and ends.
  if (isHeld(command.argv)) return heldExec(host, command, onExec)
  if (isHook(command.argv)) return hookExec(host, command, onExec)
  return plainExec(host, command)
}

/** The program of a container that has a volume at `/data`. */
export const ledger = (options: LedgerOptions = {}): Program => ({
  onStart: (host) => {
    // At once: it is up by the time that the kubelet asks for the first time.
    const started = Member.start(host, options.opening ?? 1000)
    return typeof started === "string" ? Effect.succeed(1) : started.run(options.everyMillis ?? 100)
  },
  onExec,
  isReady: (host) => memberOf(host) !== undefined
})
