import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/**
 * By name, and the suite with hundreds of volumes last: the controllers are busy for minutes with
 * deleting them, at 20 requests a second, and have no time for the next suite's.
 */
class Sequencer extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const key = ({ moduleId }: TestSpecification) => [moduleId.includes("/requests."), moduleId].join()
    return files.toSorted((left, right) => (key(left) < key(right) ? -1 : 1))
  }
}

/** `npm run test:cluster`: the suites that need a real cluster. One at a time: they share it. */
export default defineConfig({
  ssr: { resolve: { conditions: ["source", "node", "import", "default"] } },
  test: {
    include: ["test/cluster/**/*.test.ts"],
    globalSetup: ["test/cluster/suite/cluster.ts"],
    fileParallelism: false,
    // Of the tests in one suite that are independent of each other: more of them make the machine late.
    maxConcurrency: 6,
    sequence: { sequencer: Sequencer },
    testTimeout: 120_000,
    hookTimeout: 300_000
  }
})
