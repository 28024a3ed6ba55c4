/** The label of an operation can be read in its journal, and written by anybody: it does not prove what an object holds. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import { madeByAnnotation } from "../../../packages/sdk/src/Labels.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as RestoreClone from "../../../packages/sdk/src/RestoreClone.ts"
import { drive, withCluster } from "../../simulation/world.ts"
import { ann, neighbour, on, refusal } from "../scale/callers.ts"
import { elsewhere, namespaceNamed } from "./cloneWorld.ts"
import { withConfig } from "./configured.ts"
import { snapshot } from "./world.ts"

const journal = /^kubectl-stateful-([0-9a-f]{8})$/
const idOf = Effect.map(Resource.listObjects(kinds.configmaps, { namespace: elsewhere }), ({ items }) =>
  items.flatMap(({ metadata }) => journal.exec(metadata.name)?.[1] ?? []).join()
)

describe("a copy in another namespace", () => {
  for (const [api, data] of [
    [kinds.secrets, { password: "Zm9yZ2Vk" }],
    [kinds.configmaps, { a: "forged" }]
  ] as const)
    it.effect(`is not restored with ${api.plural} that somebody made with the operation's label`, () =>
      Effect.gen(function* () {
        const world = yield* withConfig()
        yield* namespaceNamed(world, elsewhere)
        const options = { toNamespace: elsewhere, identity: ann }
        const { settings } = yield* on(world)(RestoreClone.prepare(snapshot, options))
        const name = settings.renaming.objects.find(({ kind }) => kind === api.kind)?.to ?? ""
        const when = ({ body = "", method, path, query = [] }: Request) =>
          method === "POST" &&
          path.endsWith(`/${elsewhere}/${api.plural}`) &&
          body.includes(`"name":"${name}"`) &&
          query.every(([key]) => key !== "dryRun")
        const act = Effect.flatMap(idOf, (id) =>
          Resource.create(
            { api, namespace: elsewhere },
            { metadata: { name, labels: { [madeByAnnotation]: id } }, data }
          )
        )
        const copying = withCluster(neighbour(world, when, act))(RestoreClone.clone(snapshot, options))
        const failed = yield* refusal(drive(copying))
        assert.include(failed.message, `"${name}" does not have the content of the record`)
        assert.notInclude(JSON.stringify(failed), "orged")
      })
    )
})
