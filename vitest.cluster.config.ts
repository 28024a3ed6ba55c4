import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** By name, and the contract first: it takes longest, since it waits until the API server has forgotten its first versions. */
class Sequencer extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const key = ({ moduleId }: TestSpecification) =>
      [!moduleId.endsWith("/contract.test.ts"), moduleId].join()
    return files.toSorted((left, right) => (key(left) < key(right) ? -1 : 1))
  }
}

const suites = (...names: ReadonlyArray<string>) => names.map((name) => `test/cluster/${name}.test.ts`)

/** They measure how long something takes, or count what all ask for. */
const alone = suites("consistency", "freeze-by-request", "quiesce", "quiesce-kills", "requests", "snapshot")

/** They lose nodes or the API server, or set what holds for the whole cluster. Most of the time they wait. */
const losing = suites("describe", "losses", "remedies", "router", "scale-loss")

const shared = {
  // As in `npm test`: the SDK is loaded once for all suites of a worker.
  isolate: false,
  // Of the tests in one suite that are independent of each other: more of them make the machine late.
  maxConcurrency: 6,
  // Longer than any command of a suite may take.
  testTimeout: 240_000,
  hookTimeout: 300_000
}

/** `npm run test:cluster`: the suites that need a real cluster. */
export default defineConfig({
  ssr: { resolve: { conditions: ["source", "node", "import", "default"] } },
  test: {
    globalSetup: ["test/shipped.ts", "test/cluster/suite/cluster.ts"],
    sequence: { sequencer: Sequencer },
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: "side by side",
          include: suites("*"),
          exclude: [...alone, ...losing, ...suites("*-on-sandbox")],
          maxWorkers: 2,
          sequence: { groupOrder: 0 }
        }
      },
      {
        extends: true,
        test: {
          ...shared,
          name: "alone",
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 1 }
        }
      },
      {
        extends: true,
        test: {
          ...shared,
          name: "losing",
          include: losing,
          fileParallelism: false,
          sequence: { groupOrder: 2 }
        }
      }
    ]
  }
})
