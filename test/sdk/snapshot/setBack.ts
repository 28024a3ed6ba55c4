/** The journal of an operation that is over, set back by somebody who may write ConfigMaps. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import type { World } from "../../simulation/world.ts"
import { on } from "../scale/callers.ts"

export type Json = Readonly<Record<string, unknown>>
const Data = Schema.Struct({
  data: Schema.Struct({
    "plan.json": Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)),
    "status.json": Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
  })
})

/** As if it had been stopped, with another plan. */
export const setBack = (world: World, id: string, change: (plan: Json) => Json = (plan) => plan) =>
  Effect.gen(function* () {
    const target = { api: kinds.configmaps, namespace: "shop", name: `kubectl-stateful-${id}` }
    const { data } = yield* Schema.decodeUnknownEffect(Data)(yield* on(world)(Resource.getObject(target)))
    const status = { ...data["status.json"], phase: "Stopped", ended: null }
    const value = {
      metadata: { annotations: { "kubectl-stateful.dev/phase": "Stopped" } },
      data: { "status.json": JSON.stringify(status), "plan.json": JSON.stringify(change(data["plan.json"])) }
    }
    yield* on(world)(Resource.patch(target, { _tag: "Merge", value }))
    return { namespace: "shop", id }
  })
