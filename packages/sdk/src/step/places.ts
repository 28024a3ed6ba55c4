/**
 * The directories in which an application has its data, as reported by itself, and the claims that they are
 * on. A snapshot of part of the data is useless, so this is checked before anything is started, if the
 * profile defines it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { type Member, run } from "../Hook.ts"
import { kinds } from "../Kind.ts"
import { type Pod, defaultContainer } from "../kind/Pod.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import { rules } from "../operation/Step.ts"
import type { Failure } from "../operation/StepContext.ts"
import { fingerprint, type Quiesce } from "../Quiesce.ts"
import * as Resource from "../Resource.ts"

/** The pods to ask, and the required result. */
export const Places = Schema.Struct({
  profile: Schema.String,
  /** The digest of the commands in the pods. */
  digest: Schema.String,
  members: Schema.Array(
    Schema.Struct({ pod: Schema.String, ordinal: Schema.Natural, fqdn: Schema.String, uid: Schema.String })
  ),
  /** True if all of a member's data must be on one claim, because each claim is snapshotted separately. */
  isOne: Schema.Boolean
})
export type Places = typeof Places.Type

export const placeRules = (namespace: string) => [
  ...rules("", "pods", ["get"], namespace),
  ...rules("", "pods", ["get", "create"], namespace, "exec")
]

/** The claim that a directory of a container is on; `null` if it is on none. */
export const claimAt = (pod: Pod, container: string | null, path: string): string | null => {
  const name = container ?? defaultContainer(pod)
  const { containers, volumes } = pod.spec
  const mounts =
    (containers.find((one) => one.name === name) ?? containers[0])?.volumeMounts?.filter(({ mountPath }) => {
      const at = mountPath.endsWith("/") ? mountPath.slice(0, -1) : mountPath
      return path === at || path.startsWith(`${at}/`)
    }) ?? []
  const [deepest] = mounts.toSorted((a, b) => b.mountPath.length - a.mountPath.length)
  const volume = volumes?.find((one) => one.name === deepest?.name)
  if (volume?.ephemeral != null) return `${pod.metadata.name}-${volume.name}`
  return volume?.persistentVolumeClaim?.claimName ?? null
}

const refused = (profile: string, fact: string, action: string): OperationError =>
  because("HookFailed", `by profile ${profile}: ${fact}`, action, fact)

/** Reason that a member's data is not completely in the snapshot, or not of one moment; `null` if it is. */
const why = (
  { profile, isOne }: Pick<Places, "profile" | "isOne">,
  member: Member,
  at: ReadonlyArray<{ readonly path: string; readonly claim: string | null }>,
  cut: ReadonlySet<string>
): OperationError | null => {
  const { pod } = member
  const outside = at.find(({ claim }) => claim === null || !cut.has(claim))
  if (outside !== undefined) {
    const where =
      outside.claim === null ? "on no claim" : `on claim ${outside.claim}, which is not in the snapshot`
    return refused(
      profile,
      `${outside.path} of ${pod} is ${where}: a snapshot without it would be incomplete`,
      "move it to a claim of the application"
    )
  }
  const claims = [...new Set(at.map(({ claim }) => claim))]
  if (!isOne || claims.length < 2) return null
  const places = claims.map(
    (claim) =>
      `${claim} (${at
        .filter((one) => one.claim === claim)
        .map(({ path }) => path)
        .join(", ")})`
  )
  return refused(
    profile,
    `${pod} has its data on ${claims.length} volumes, which are snapshotted one after another: ${places.join(" and ")}`,
    "use --consistency offline, or --consistency group if its driver supports groups; or move all of it to one volume"
  )
}

/** A directory by its member's own word. */
interface Place {
  readonly path: string
  /** `null` if it is on no claim. */
  readonly claim: string | null
  /** True if it is snapshotted in the last stage. */
  readonly isLast: boolean
}

const askOne = (
  member: Member,
  { profile, oneVolume }: Quiesce
): Effect.Effect<ReadonlyArray<Place>, Failure, Cluster> =>
  Effect.gen(function* () {
    if (oneVolume === undefined) return []
    const outcome = yield* run(oneVolume, member)
    if (outcome._tag !== "Succeeded") {
      const fact = `oneVolume in ${member.pod} failed, so it is unknown where its data is`
      return yield* because("HookFailed", `${fact}: ${outcome.message}`, "repair what it says", fact)
    }
    const pod = yield* Resource.get(kinds.pods, { namespace: member.namespace, name: member.pod })
    const lines = outcome.output.split("\n").filter((line) => /^(last )?\//.test(line))
    if (lines.length === 0) {
      return yield* refused(profile, `${member.pod} names no directory`, "look at its oneVolume")
    }
    return lines.map((line) => {
      const path = line.replace(/^last /, "")
      const claim = claimAt(pod, oneVolume.container, path)
      return { path, claim, isLast: path !== line }
    })
  })

/**
 * The claims of the last stage, as reported by the members now; fails if a directory is on no claim of the
 * snapshot.
 */
export const lastClaims = (
  members: ReadonlyArray<Member>,
  quiesce: Quiesce,
  cut: ReadonlySet<string>
): Effect.Effect<ReadonlySet<string>, Failure, Cluster> =>
  Effect.map(
    Effect.forEach(
      members,
      (member) =>
        Effect.gen(function* () {
          const at = yield* askOne(member, quiesce)
          const open = why({ profile: quiesce.profile, isOne: false }, member, at, cut)
          return open === null ? at : yield* open
        }),
      { concurrency: "unbounded" }
    ),
    (all) => new Set(all.flat().flatMap(({ claim, isLast }) => (isLast && claim !== null ? [claim] : [])))
  )

/**
 * Fails if a member's data is not on claims of the snapshot, or on several claims that are snapshotted
 * separately.
 */
export const checkPlaces = (
  places: Places,
  namespace: string,
  cut: ReadonlySet<string>,
  quiesce: Quiesce | undefined
): Effect.Effect<void, Failure, Cluster> =>
  quiesce === undefined || fingerprint(quiesce) !== places.digest
    ? Effect.fail(
        because("Mismatch", "the profile is not the one that this was planned with", "run the command again")
      )
    : Effect.forEach(
        places.members,
        ({ pod, ordinal, fqdn }) => {
          const member = { namespace, pod, ordinal, fqdn }
          return Effect.flatMap(askOne(member, quiesce), (at) => why(places, member, at, cut) ?? Effect.void)
        },
        { concurrency: "unbounded", discard: true }
      )
