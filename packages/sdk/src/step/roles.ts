/** Facts that a member reports about itself: its role, and whether it is in its application. */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import { run, type Member } from "../Hook.ts"
import type { Profile } from "../Profile.ts"

/**
 * True if the member is in its application, as `probe` reports; `null` without a probe, or without an
 * answer.
 */
export const isIn = (profile: Profile, member: Member): Effect.Effect<boolean | null, never, Cluster> =>
  profile.probe === undefined
    ? Effect.succeed(null)
    : Effect.map(run(profile.probe, member), (outcome) =>
        outcome._tag === "Succeeded" ? true : outcome._tag === "Failed" && outcome.code === 1 ? false : null
      )

/** The output of a role hook. */
export type Role = "leader" | "voter" | "learner"

const roles: ReadonlyArray<Role> = ["leader", "voter", "learner"]

/** The member's role; `null` without a roles hook, or if it prints something else. */
export const roleOf = (profile: Profile, member: Member): Effect.Effect<Role | null, never, Cluster> =>
  profile.roles === undefined
    ? Effect.succeed(null)
    : Effect.map(run(profile.roles, member), (outcome) => {
        if (outcome._tag !== "Succeeded") return null
        const said = outcome.output.trim().split(/\s+/).pop()?.toLowerCase()
        return roles.find((role) => role === said) ?? null
      })
