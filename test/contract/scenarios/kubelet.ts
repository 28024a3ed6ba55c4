/** The script as the kubelet of pods that no other runs, and what becomes of them. */
import * as Effect from "effect/Effect"
import { at, type Conversation, text, merge } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { isReady, list, readyStatus } from "./objects.ts"

const owners = (object: Json): string =>
  list(at(object, "metadata.ownerReferences"))
    .map((each) => `${text(each, "kind")} ${text(each, "name")}`)
    .join(", ") || "nobody"

export const fact = (object: Json, gone: boolean): ReadonlyArray<string> => {
  if (gone) return ["gone"]
  if (text(object, "kind") === "PersistentVolumeClaim") {
    return [
      `is owned by ${owners(object)}`,
      ...(at(object, "metadata.deletionTimestamp") === undefined ? [] : ["is being deleted"])
    ]
  }
  return [
    `runs ${text(object, "spec.containers.0.image")}`,
    ...(isReady(object) ? ["is ready"] : []),
    ...(text(object, "status.phase") === "Failed" ? ["has failed"] : []),
    ...(at(object, "metadata.deletionTimestamp") === undefined ? [] : ["is being deleted"])
  ]
}

const kinds = ["pods", "persistentvolumeclaims"]
/** What became of pods and claims since a version, in order. */
export const happened = (to: Conversation, since: string) => to.history("what happened", since, kinds, fact)

/** Says of a pod that it is ready, or not, once it is there. */
export const become = (to: Conversation, name: string, ready = true) =>
  Effect.andThen(
    to.until(
      `pods/${name}`,
      (body) => body !== undefined && at(body, "metadata.deletionTimestamp") === undefined
    ),
    to.quietly("PATCH", `pods/${name}/status`, readyStatus(ready), merge)
  )
