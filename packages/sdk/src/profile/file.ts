/** A profile as its file has it. */
import * as Schema from "effect/Schema"
import { FileCommand, QuiesceSection } from "../Quiesce.ts"
import { SeedSection } from "../Seed.ts"
import { RestoreSection } from "../Verify.ts"

const hook = (description: string) => Schema.optionalKey(FileCommand.annotate({ description }))

const ScaleSection = Schema.Struct({
  beforeRemove: hook("Run in the leaving pod, before it is removed; not 0: nothing is removed."),
  afterAdd: hook("Run in the new pod, once it is ready and healthy, and in one that must rejoin."),
  probe: hook("Exit code 0: this member is in; 1: it is out. Asked when a hook's outcome is unknown."),
  roles: hook("Prints leader, voter or learner."),
  stepDown: hook("Gives leadership away, where a leader is about to leave."),
  health: hook("Exit code 0: the member is healthy, beyond ready.")
})

/** A profile as a file has it. */
export const File = Schema.Struct({
  apiVersion: Schema.Literal("kubectl-stateful.dev/v1"),
  kind: Schema.Literal("Profile"),
  description: Schema.optionalKey(Schema.String.annotate({ description: "One sentence of what it is for." })),
  container: Schema.optionalKey(
    Schema.NonEmptyString.annotate({ description: "The container of each command that names none." })
  ),
  jointQuorum: Schema.optionalKey(
    Schema.Boolean.annotate({
      description:
        "True: the StatefulSets that one selector finds are members of one application, as with a set for each rack, and describe counts quorum over all of them."
    })
  ),
  scale: Schema.optionalKey(
    ScaleSection.annotate({ description: "The hooks that scale runs; a timeout's default is 60s." })
  ),
  hooks: Schema.optionalKey(ScaleSection.annotate({ description: "The older name of scale." })),
  snapshot: Schema.optionalKey(
    QuiesceSection.annotate({ description: "How members are held still while their volumes are cut." })
  ),
  restore: Schema.optionalKey(
    RestoreSection.annotate({
      description: "How restored volumes are looked at, before anything starts on them."
    })
  ),
  seed: Schema.optionalKey(
    SeedSection.annotate({ description: "How every member is made from one member's data." })
  )
})
export type File = typeof File.Type

/** The sections of a built-in profile; `description` is one sentence. */
export type BuiltIn = Pick<File, "container" | "scale" | "snapshot" | "restore" | "seed"> & {
  readonly description: string
}
