import { defineConfig } from "vitest/config"

const suites = (...names: ReadonlyArray<string>) => names.map((name) => `test/cluster/${name}.test.ts`)

/** They lose nodes or the API server, set what holds for the whole cluster, or measure how long something takes. */
const alone = suites(
  "consistency",
  "describe",
  "freeze-by-request",
  "losses",
  "quiesce",
  "quiesce-kills",
  "remedies",
  "router",
  "scale-loss",
  "snapshot"
)

/** The controllers are busy for minutes with deleting its hundreds of volumes, at 20 requests a second. */
const last = suites("requests")

const shared = {
  // Of the tests in one suite that are independent of each other: more of them make the machine late.
  maxConcurrency: 6,
  testTimeout: 120_000,
  hookTimeout: 300_000
}

/** One after another: the projects, and of most of them the suites too. */
const project = (
  place: number,
  name: string,
  include: ReadonlyArray<string>,
  more: { readonly exclude?: Array<string>; readonly maxWorkers: number }
) => ({
  extends: true as const,
  test: { ...shared, ...more, name, include: [...include], sequence: { groupOrder: place } }
})

/** `npm run test:cluster`: the suites that need a real cluster. */
export default defineConfig({
  ssr: { resolve: { conditions: ["source", "node", "import", "default"] } },
  test: {
    globalSetup: ["test/shipped.ts", "test/cluster/suite/cluster.ts"],
    projects: [
      project(0, "alone", alone, { maxWorkers: 1 }),
      project(1, "side by side", suites("*"), {
        exclude: [...alone, ...last, ...suites("*-on-sandbox")],
        maxWorkers: 2
      }),
      project(2, "last", last, { maxWorkers: 1 })
    ]
  }
})
