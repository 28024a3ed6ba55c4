/** What a member says of itself: its role, and whether it is in its application. */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import { run, type Member } from "../Hook.ts"
import type { Profile } from "../Profile.ts"

/** Whether the member is in its application, as `probe` says; null: there is no probe, or it cannot say. */
export const isIn = (profile: Profile, member: Member): Effect.Effect<boolean | null, never, Cluster> =>
  profile.probe === undefined
    ? Effect.succeed(null)
    : Effect.map(run(profile.probe, member), (outcome) =>
        outcome._tag === "Succeeded" ? true : outcome._tag === "Failed" && outcome.code === 1 ? false : null
      )

/** What a role hook prints. */
export type Role = "leader" | "voter" | "learner"

const roles: ReadonlyArray<Role> = ["leader", "voter", "learner"]

/** The member's role; null: there is no roles hook, or it says something else. */
export const roleOf = (profile: Profile, member: Member): Effect.Effect<Role | null, never, Cluster> =>
  profile.roles === undefined
    ? Effect.succeed(null)
    : Effect.map(run(profile.roles, member), (outcome) => {
        if (outcome._tag !== "Succeeded") return null
        const said = outcome.output.trim().split(/\s+/).pop()?.toLowerCase()
        return roles.find((role) => role === said) ?? null
      })
