/** The StatefulSets of a `scale` command: by name, by labels, all of a namespace, or those of a file. */
import { Cluster, type ClusterError } from "@kubectl-stateful/sdk/Cluster"
import { kinds } from "@kubectl-stateful/sdk/Kind"
import { listObjects } from "@kubectl-stateful/sdk/Resource"
import type { SetRef } from "@kubectl-stateful/sdk/Scale"
import { shellWord } from "@kubectl-stateful/sdk/ShellWord"
import { boolean } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import * as Effect from "effect/Effect"
import { labelsFlag } from "../flags/application.ts"
import { filenameFlag, setsIn } from "../flags/filename.ts"
import { setNames } from "./target.ts"
import { Usage } from "./usage.ts"

export const setsFlags = {
  ...filenameFlag,
  selector: labelsFlag({
    summary: "Label selector; each matching StatefulSet is scaled, in the order of their names."
  }),
  all: boolean({ summary: "Select all StatefulSets in the namespace." })
}

type Flags = InferredFlags<typeof setsFlags> & { readonly namespace?: string | undefined }

/**
 * The StatefulSets that the words and flags name, in the order in which they are scaled; throws a Usage if
 * they are named in several ways or none.
 */
export const wantedSets = async (
  words: ReadonlyArray<string>,
  { all, filename, namespace, selector }: Flags
): Promise<Effect.Effect<ReadonlyArray<SetRef>, ClusterError | Usage, Cluster>> => {
  const ways = [filename !== undefined, selector !== undefined, all].filter(Boolean).length
  // `scale sts -l app=db`, as kubectl writes it.
  const isNamed = words.length > 0 && !(ways === 1 && /^(statefulsets?|sts)$/i.test(words.join(" ")))
  if (ways + Number(isNamed) > 1)
    throw new Usage("names, -l, -f and --all cannot be combined", "use one of them")
  if (filename !== undefined) {
    const sets = await setsIn(filename, namespace)
    return Effect.map(Cluster, ({ origin }) => {
      const refs = sets.map((set) => ({ namespace: set.namespace ?? origin.namespace, name: set.name }))
      // One that is named twice, with its namespace and without, is scaled once.
      return [...new Map(refs.map((ref) => [`${ref.namespace}/${ref.name}`, ref])).values()]
    })
  }
  if (ways === 0) {
    const names = setNames(words)
    return Effect.map(Cluster, ({ origin }) => names.map((name) => ({ namespace: origin.namespace, name })))
  }
  return Effect.gen(function* () {
    const { namespace: own } = (yield* Cluster).origin
    const { items } = yield* listObjects(kinds.statefulsets, {
      namespace: own,
      metadataOnly: true,
      ...(selector === undefined ? {} : { labelSelector: selector })
    })
    if (items.length === 0)
      return yield* Effect.fail(
        new Usage(
          `no StatefulSets found in ${own} namespace${selector === undefined ? "" : ` for selector ${selector}`}`,
          `see \`kubectl stateful describe -n ${shellWord(own)}\``
        )
      )
    return items
      .map(({ metadata }) => ({ namespace: own, name: metadata.name }))
      .toSorted((left, right) => (left.name < right.name ? -1 : 1))
  })
}
