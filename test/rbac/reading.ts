/** Commands that change nothing. */
import * as Effect from "effect/Effect"
import { cut, done, held, holding, members, stopped, words } from "./begun.ts"
import { withConfig } from "../sdk/restore/configured.ts"
import { extended } from "./extended.ts"
import type { Scenario } from "./scenario.ts"

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "db", namespace: "shop" },
  spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 5432 }] }
}

const set = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  spec: {
    replicas: 0,
    serviceName: "cache",
    selector: { matchLabels: { app: "cache" } },
    template: {
      metadata: { labels: { app: "cache" } },
      spec: { containers: [{ name: "cache", image: "cache:1" }] }
    }
  }
}

const looking = (verb: Scenario["verb"], when: string | null, text: string, millis?: number): Scenario => ({
  verb,
  when,
  stage: Effect.map(members(2), (world) => {
    world.sandbox.create(service)
    return { sandbox: world.sandbox, words: words(text), ...(millis === undefined ? {} : { millis }) }
  })
})

const minute = 60_000

export const reading: ReadonlyArray<Scenario> = [
  looking("describe", null, "describe db"),
  looking("describe", "without a name", "describe"),
  looking("describe", "with -l", "describe -l app=db"),
  {
    verb: "describe",
    when: null,
    stage: Effect.map(members(2), ({ sandbox }) => {
      sandbox.create({ ...set, metadata: { name: "cache", namespace: "shop" } })
      return { sandbox, words: words("describe db cache") }
    })
  },
  {
    verb: "describe",
    when: "with --check-keys",
    stage: Effect.map(withConfig(), ({ sandbox }) => ({ sandbox, words: words("describe db --check-keys") }))
  },
  ...["describe", "report"].map((verb): Scenario => ({
    verb,
    when: "of pods that name them",
    stage: Effect.map(extended, (sandbox) => ({ sandbox, words: words(`${verb} db`) }))
  })),
  looking("describe", "with --watch", "describe db --watch", minute),
  looking("describe", "with -A", "describe -A"),
  looking("peers", null, "peers db"),
  looking("peers", "with --watch", "peers db --watch", minute),
  looking("peers", "with --check-dns", "peers db --check-dns"),
  {
    verb: "operations",
    when: null,
    stage: Effect.gen(function* () {
      const world = yield* members(1)
      yield* done(world, "scale db --replicas 2")
      return { sandbox: world.sandbox, words: ["operations"] }
    })
  },
  {
    verb: "operations",
    when: null,
    stage: Effect.gen(function* () {
      const world = yield* members(1)
      const id = yield* stopped(
        world,
        "scale db --replicas 2",
        ({ method, path }) => method === "POST" && path.endsWith("/persistentvolumeclaims")
      )
      return { sandbox: world.sandbox, words: ["operations", id] }
    })
  },
  looking("operations", "with --watch", "operations --watch", minute),
  looking("operations", "with --watch", "operations db -w", minute),
  looking("operations", "with -A", "operations -A"),
  {
    verb: "thaw",
    when: null,
    stage: Effect.map(held(2), (world) => ({
      sandbox: world.sandbox,
      words: words(`thaw db --profile ${holding()}`)
    }))
  },
  {
    verb: "thaw",
    when: "with -l",
    stage: Effect.map(held(2), (world) => ({
      sandbox: world.sandbox,
      words: words(`thaw -l app=db --profile ${holding()}`)
    }))
  },
  ...["report db", "report -l app=db"].map((text): Scenario => ({
    verb: "report",
    when: text === "report db" ? null : "with -l",
    stage: Effect.map(
      Effect.tap(members(2), (world) => done(world, "snapshot db --name nightly")),
      ({ sandbox }) => {
        sandbox.create(service)
        return { sandbox, words: words(text) }
      }
    )
  })),
  ...["snapshots", "snapshots describe nightly", "snapshots diff nightly live"].map((text): Scenario => ({
    verb: "snapshots",
    when: text === "snapshots" ? null : `with ${words(text)[1] ?? ""}`,
    stage: Effect.map(cut(), (world) => ({ sandbox: world.sandbox, words: words(text) }))
  }))
]
