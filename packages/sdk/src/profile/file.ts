/** A profile as its file has it. */
import * as Schema from "effect/Schema"
import { FileCommand, QuiesceSection } from "../Quiesce.ts"
import { SeedSection } from "../Seed.ts"
import { RestoreSection } from "../Verify.ts"

const hook = (description: string) => Schema.optionalKey(FileCommand.annotate({ description }))

const ScaleSection = Schema.Struct({
  beforeRemove: hook(
    "Runs in the leaving pod, before it is removed. If it does not exit with 0, the pod is not removed."
  ),
  afterAdd: hook("Runs in the new pod, once it is ready and healthy, and in one that must rejoin."),
  probe: hook("Exit code 0: this member has joined; 1: it has left. Runs if a hook's outcome is unknown."),
  roles: hook("Prints leader, voter or learner."),
  stepDown: hook("Moves leadership to another member, if a leader is about to leave."),
  health: hook("Exit code 0: the member is healthy, beyond ready.")
})

/** A profile as a file has it. */
export const File = Schema.Struct({
  apiVersion: Schema.Literal("kubectl-stateful.dev/v1"),
  kind: Schema.Literal("Profile"),
  description: Schema.optionalKey(Schema.String.annotate({ description: "One sentence about its purpose." })),
  container: Schema.optionalKey(
    Schema.NonEmptyString.annotate({ description: "The container of each command that names none." })
  ),
  jointQuorum: Schema.optionalKey(
    Schema.Boolean.annotate({
      description:
        "True if the StatefulSets that one selector finds are members of one application, such as one StatefulSet per rack; describe then counts quorum over all of them."
    })
  ),
  scale: Schema.optionalKey(
    ScaleSection.annotate({ description: "The hooks that scale runs; a timeout's default is 60s." })
  ),
  hooks: Schema.optionalKey(ScaleSection.annotate({ description: "The older name of scale." })),
  snapshot: Schema.optionalKey(
    QuiesceSection.annotate({
      description: "How members are quiesced while their volume snapshots are taken."
    })
  ),
  restore: Schema.optionalKey(
    RestoreSection.annotate({
      description: "How restored volumes are verified, before anything starts on them."
    })
  ),
  seed: Schema.optionalKey(
    SeedSection.annotate({ description: "How all members are rebuilt from one member's data." })
  )
})
export type File = typeof File.Type

/** The sections of a built-in profile; `description` is one sentence. */
export type BuiltIn = Pick<File, "container" | "scale" | "snapshot" | "restore" | "seed"> & {
  readonly description: string
}
