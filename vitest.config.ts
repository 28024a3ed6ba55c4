import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** The simulation first, then what starts programs: those files take long, and one that is begun last is waited for alone. */
class Sequencer extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const place = ({ moduleId }: TestSpecification) =>
      moduleId.includes("/test/simulation/") ? 0 : /\/test\/(sdk|sandbox)\//.test(moduleId) ? 2 : 1
    return files.toSorted((left, right) => place(left) - place(right))
  }
}

/** `npm test` runs the hermetic suites; the cluster suites have a configuration of their own. */
export default defineConfig({
  // The plugin's tests read the SDK's sources, not a build of them.
  ssr: { resolve: { conditions: ["source", "node", "import", "default"] } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "test/cluster/**", "test/bench/**"],
    globalSetup: ["test/shipped.ts"],
    sequence: { sequencer: Sequencer },
    // By default one core is left out, which is half of two.
    maxWorkers: 3,
    // Loading Effect and the SDK anew for each file takes a fifth of all processor time. No test replaces
    // a module, and no module of ours holds state.
    isolate: false,
    // These end what hangs. They are no bound on speed: a machine may have much else to do.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    coverage: {
      // By `npm run test:coverage`: it makes every test slower.
      enabled: false,
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      reporter: ["text-summary", "json-summary"]
    }
  }
})
