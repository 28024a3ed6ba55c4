/**
 * VolumeSnapshots of other tools as the source of a StatefulSet's volumes: for each claim the newest one that
 * is ready, or the one that the user names. Their consistency was not recorded.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { VolumeSnapshot, VolumeSnapshotContent } from "../kind/Snapshot.ts"
import * as Quantity from "../Quantity.ts"
import * as Resource from "../Resource.ts"
import { setLabel } from "../Labels.ts"
import { notTheCut } from "../step/cutSource.ts"
import { skewOf } from "../step/record.ts"
import { readContent } from "../step/snapshots.ts"
import type { Workload } from "../Topology.ts"
import { slotOf } from "./target.ts"
import type { FoundCut, Source } from "./source.ts"

type Look<A> = Effect.Effect<A, ClusterError, Cluster>

/** Names of VolumeSnapshots by the claims that they are of. */
export type Named = Readonly<Record<string, string>>

interface Candidate {
  readonly cut: FoundCut
  readonly at: string | null
  /** Nanoseconds since 1970; `null` if unknown. */
  readonly cutAt: number | null
}

const candidateOf = (claim: string, name: string, found: VolumeSnapshot | null): Look<Candidate> => {
  const content = found?.status?.boundVolumeSnapshotContentName
  return Effect.map(content ? readContent(content) : Effect.succeed(null), (own) => {
    const size = own?.status?.restoreSize || found?.status?.restoreSize
    const cut = {
      claim,
      snapshot: name,
      handle: own?.status?.snapshotHandle ?? null,
      volumeHandle: own?.spec.source.volumeHandle ?? null,
      driver: own?.spec.driver ?? ""
    }
    return {
      at: found?.status?.creationTime ?? null,
      cutAt: own?.status?.creationTime ?? null,
      cut: {
        ...cut,
        mode: own?.spec.sourceVolumeMode ?? null,
        size: size == null ? null : Quantity.sized(size),
        why: notTheCut(cut, found, own) ?? unpinned(name, own)
      }
    }
  })
}

/** Without a handle, a volume snapshot could be replaced by another one of its name until it is restored. */
const unpinned = (name: string, content: VolumeSnapshotContent | null): string | null =>
  content?.status?.snapshotHandle ? null : `volumesnapshot "${name}" has no handle in its content`

const timeOf = ({ status, metadata }: VolumeSnapshot): string =>
  status?.creationTime ?? metadata.creationTimestamp ?? ""

/** The first that can be restored from; where none can, the first of all, which says why. */
const best = (claim: string, newest: ReadonlyArray<VolumeSnapshot>): Look<Candidate | null> =>
  Effect.gen(function* () {
    let first: Candidate | null = null
    for (const one of newest) {
      const candidate = yield* candidateOf(claim, one.metadata.name, one)
      if (candidate.cut.why === null) return candidate
      first ??= candidate
    }
    return first
  })

const isWanted = ({ firstOrdinal, replicas }: Workload, ordinal: number): boolean =>
  // One that is scaled to 0 gets back what there is.
  replicas === 0 || (ordinal >= firstOrdinal && ordinal < firstOrdinal + replicas)

const candidates = (
  workload: Workload,
  all: ReadonlyArray<VolumeSnapshot>,
  named: Named
): Look<ReadonlyArray<Candidate>> => {
  const others = all.filter(({ metadata, spec }) => {
    const slot = slotOf(workload, spec.source.persistentVolumeClaimName ?? "")
    return metadata.labels?.[setLabel] === undefined && slot !== null && isWanted(workload, slot.ordinal)
  })
  const byClaim = Map.groupBy(others, ({ spec }) => spec.source.persistentVolumeClaimName ?? "")
  const claims = [...new Set([...Object.keys(named), ...byClaim.keys()])]
  return Effect.map(
    Effect.forEach(
      claims,
      (claim) => {
        const name = Object.hasOwn(named, claim) ? named[claim] : undefined
        if (name !== undefined) {
          return candidateOf(claim, name, all.find(({ metadata }) => metadata.name === name) ?? null)
        }
        const newest = (byClaim.get(claim) ?? []).toSorted((left, right) =>
          timeOf(left) > timeOf(right) ? -1 : 1
        )
        return best(claim, newest)
      },
      { concurrency: 8 }
    ),
    (found) => found.flatMap((one) => one ?? [])
  )
}

/** The VolumeSnapshots for this StatefulSet, by claim. */
export const foundFor = (namespace: string, workload: Workload, named: Named): Look<Source> =>
  Effect.gen(function* () {
    const all = yield* Resource.list(kinds.volumesnapshots, { namespace })
    const found = yield* candidates(workload, all, named)
    const skew = skewOf(found)
    const apart =
      skew === null ? "it is unknown how far apart they were taken" : `they were taken ${skew / 1000} s apart`
    return {
      _tag: "Snapshot",
      set: null,
      level: "unknown",
      guarantee: null,
      created: found.flatMap(({ at }) => at ?? []).toSorted()[0] ?? "<unknown>",
      replicas: null,
      cuts: found.map(({ cut }) => cut),
      mapped: found.map(
        ({ cut, at }) => `${cut.claim} from volumesnapshot ${cut.snapshot}, taken ${at ?? "<unknown>"}`
      ),
      differs: [
        `these VolumeSnapshots were taken by other tools: their consistency is unknown, and ${apart}`,
        "it is unknown what else of the application has changed since"
      ]
    }
  })
