/** What happens to the bank by no command of anybody's, and what its checker says of cuts. */
import type { Options, Shape, Volume } from "@kubectl-stateful/sandbox"
import { check, describe } from "@kubectl-stateful/sandbox/LedgerCheck"
import {
  persistentvolumeclaims,
  type Pod,
  pods,
  volumesnapshotcontents,
  volumesnapshots
} from "@kubectl-stateful/sandbox/Kind"
import { scenarios } from "@kubectl-stateful/sandbox/Scenario"
import * as Effect from "effect/Effect"

const { namespace } = scenarios.ledger

export const members = ["ledger-0", "ledger-1", "ledger-2"] as const
export type Member = (typeof members)[number]

/** Of the snapshot `name`: each volume's own, as the plugin names it. */
const cutOf = (name: string, member: Member): string => `${name}-data-${member}`

/** Quick, as a story is; and busy for a second when it shall cut that member's volume alone. */
export const options = (name: string, busyWith: Member): Options => {
  let isBusy = true
  return {
    startMillis: 100,
    storage: {
      attachMillis: 20,
      detachMillis: 20,
      fail: ({ name: call, about }) => {
        if (!isBusy || call !== "CreateSnapshot" || about !== cutOf(name, busyWith)) return undefined
        isBusy = false
        return "Unavailable: busy"
      }
    }
  }
}

const nodeOf = (sandbox: Shape, member: Member): string =>
  sandbox.registry.find(pods, namespace, member).spec.nodeName ?? ""

const isReady = (pod: Pod | undefined): boolean =>
  pod?.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true

export const cutOff = (sandbox: Shape, member: Member): Effect.Effect<void> =>
  Effect.sync(() => sandbox.loseNode(nodeOf(sandbox, member)))

export const findAgain = (sandbox: Shape, member: Member): Effect.Effect<void> =>
  Effect.sync(() => sandbox.findNode(nodeOf(sandbox, member)))

/** A member's node goes off and on again, and its volume is empty then. Ends when the member is ready, or after ten seconds. */
export const loseData = (sandbox: Shape, member: Member): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { registry, store, processes, volumes } = sandbox
    const { metadata } = registry.find(pods, namespace, member)
    const claim = registry.find(persistentvolumeclaims, namespace, `data-${member}`)
    const volume = volumes.get(claim.spec.volumeName ?? "")
    const node = nodeOf(sandbox, member)
    sandbox.loseNode(node, "power")
    for (const path of volume?.list() ?? []) volume?.remove(path)
    sandbox.findNode(node)
    const isUp = (): boolean =>
      processes.get(metadata.uid, "ledger") !== undefined && isReady(store.get(pods, namespace, member))
    while (!isUp()) yield* Effect.sleep("10 millis")
  }).pipe(Effect.timeoutOrElse({ duration: "10 seconds", orElse: () => Effect.void }))

/** The bytes that a snapshot of one volume has. */
const bytesOf = ({ store, cuts }: Shape, name: string): Volume | undefined => {
  const snapshot = store.get(volumesnapshots, namespace, name)
  const content = snapshot?.status?.boundVolumeSnapshotContentName ?? ""
  const handle = store.get(volumesnapshotcontents, undefined, content)?.status?.snapshotHandle ?? ""
  return cuts.get(handle)?.bytes
}

/** What `ledger check` would say of the members if they were as a snapshot of single volumes has them. */
export const verdictOn = (sandbox: Shape, name: string): string => {
  const found = members.flatMap((member) => {
    const bytes = bytesOf(sandbox, cutOf(name, member))
    return bytes === undefined ? [] : [[member, bytes] as const]
  })
  return describe(check(Object.fromEntries(found)))
}
