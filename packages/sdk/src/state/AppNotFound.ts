/** The error for a missing application, with similar names. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AppRef } from "../App.ts"
import type { Cluster } from "../Cluster.ts"
import { nearNames } from "../NearName.ts"
import { kinds } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import { shellWord } from "../ShellWord.ts"

/** No workload of that name, or with those labels. */
export class AppNotFound extends Schema.TaggedError<AppNotFound>()("AppNotFound", {
  reason: Schema.TaggedStruct("NotFound", {}),
  /** What was asked for. A field `name` would hide the error's own. */
  ref: AppRef,
  /** StatefulSets of the namespace with a similar name, nearest first. */
  near: Schema.Array(Schema.String),
  message: Schema.String,
  action: Schema.optionalKey(Schema.String)
}) {}

const listAll = (namespace: string): string =>
  `\`kubectl stateful describe -n ${shellWord(namespace)}\` shows those there are`

/** Looks around for what may have been meant; what may not be read is left out. */
export const appNotFound = (ref: AppRef): Effect.Effect<AppNotFound, never, Cluster> =>
  Effect.gen(function* () {
    const { namespace } = ref
    const reason = { _tag: "NotFound" } as const
    if (ref._tag === "Selector") {
      return new AppNotFound({
        reason,
        ref,
        near: [],
        message: `no StatefulSet, Deployment or DaemonSet in namespace ${namespace} has labels ${ref.selector}`,
        action: listAll(namespace)
      })
    }
    const { name } = ref
    const [sets, deployment] = yield* Effect.all(
      [
        Effect.option(Resource.listObjects(kinds.statefulsets, { namespace, metadataOnly: true })),
        Effect.option(Resource.getObject({ api: kinds.deployments, namespace, name }, { metadataOnly: true }))
      ],
      { concurrency: 2 }
    )
    const names = sets._tag === "Some" ? sets.value.items.map(({ metadata }) => metadata.name) : []
    const near = nearNames(name, names)
    const action =
      deployment._tag === "Some"
        ? `a Deployment of that name exists: select it by its labels with -l`
        : near.length > 0
          ? `did you mean ${near.join(" or ")}?`
          : sets._tag === "Some" && names.length === 0
            ? `namespace ${namespace} has no StatefulSet, -A shows those of all namespaces`
            : listAll(namespace)
    return new AppNotFound({
      reason,
      ref,
      near,
      message: `statefulsets.apps "${name}" not found in namespace ${namespace}`,
      action
    })
  })
