/** Whether the objects of a snapshot fit into the namespace's quotas: pure over what is read before. */
import * as BigDecimal from "effect/BigDecimal"
import type { Claim } from "../Claim.ts"
import type { Refusal } from "../operation/Plan.ts"
import { type Needs, overrun, type Quota } from "../Quota.ts"
import { recordName } from "../RecordName.ts"

interface Made {
  readonly what: string
  readonly needs: Needs
}

/** Of a kind with or without a count of its own beside `count/…`. */
const one = (...resources: ReadonlyArray<string>): Needs =>
  Object.fromEntries(resources.map((resource) => [resource, BigDecimal.fromBigInt(1n)]))

const madeFor = (name: string, claims: ReadonlyArray<Claim>, isGroup: boolean): ReadonlyArray<Made> => [
  ...(isGroup
    ? [
        {
          what: `volumegroupsnapshot ${name}`,
          needs: one("count/volumegroupsnapshots.groupsnapshot.storage.k8s.io")
        }
      ]
    : []),
  ...claims.map((claim) => ({
    what: `the volumesnapshot of ${claim.name}`,
    needs: one("count/volumesnapshots.snapshot.storage.k8s.io")
  })),
  // Its further parts are known only once it is written.
  { what: `its record, secret ${recordName(name)}`, needs: one("secrets", "count/secrets") }
]

/** The refusal of each quota that has no room for them: members would be held, or stopped, for nothing. */
export const quotaRefusals = (
  quotas: ReadonlyArray<Quota>,
  ...of: Parameters<typeof madeFor>
): ReadonlyArray<Refusal> => {
  const all = madeFor(...of)
  return quotas.flatMap((quota) => {
    const found = overrun(
      quota,
      all.map(({ needs }) => needs)
    )
    return found === null
      ? []
      : [
          {
            reason: `${all[found.place]?.what ?? ""} does not fit into quota "${quota.name}": ${found.resource} would be ${found.sum} of ${found.limit}`,
            remedy: "prune older snapshots, or raise the quota"
          }
        ]
  })
}
