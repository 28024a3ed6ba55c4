/**
 * Waits until every volume snapshot is ready to use, which may take hours. One of a group can stay unready
 * although its group is ready, until its sidecar's next resync (external-snapshotter 8.6): it is named.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import { format } from "../GoDuration.ts"
import { inWords } from "../wait/condition.ts"
import { defaultStepTimeout, polled, until } from "../wait/until.ts"
import { groupsOf } from "./cutGroup.ts"
import { type Cut, cutsOf } from "./cuts.ts"
import type { CutSettings } from "./cutVolumes.ts"

const ReadySchema = Schema.TaggedStruct("AwaitReady", { on })

const unready = (cuts: ReadonlyArray<Cut>) =>
  cuts
    .filter(({ readyToUse, snapshot }) => !readyToUse || snapshot === null)
    .map(({ claim, error }) => ({
      subject: { kind: "PersistentVolumeClaim", name: claim },
      for: error ?? "its snapshot to be ready to use"
    }))

/** Facts about members that were left behind by their group. */
const late =
  ": a snapshot that lags behind its group is updated at its sidecar's next resync, every 15 minutes by default"

/** Every volume snapshot is ready to use. */
export const AwaitReady: StepKind<typeof ReadySchema.Type, CutSettings> = {
  tag: "AwaitReady",
  schema: ReadySchema,
  describe: () => "wait until the volume snapshots are ready to use",
  access: (_, { namespace }) =>
    rules("snapshot.storage.k8s.io", "volumesnapshots", ["get", "list"], namespace),
  rehearse: () => Effect.succeed([]),
  perform: (_, at) => {
    const limit = at.settings.stepTimeout ?? defaultStepTimeout
    return Effect.asVoid(
      until(at, {
        views: polled(cutsOf(at), 500),
        until: unready,
        limit,
        late: (unmet) =>
          Effect.succeed(
            because(
              "TimedOut",
              `not ready to use in ${format(limit)}: ${inWords(unmet)}`,
              `a resume continues to wait${groupsOf(at.plan).length > 0 ? late : ""}; or abort, and take another snapshot`
            )
          )
      })
    )
  },
  undo: () => Effect.void
}
