import { defineConfig } from "vitest/config"

/** `npm test` runs the hermetic suites; the cluster suites have a configuration of their own. */
export default defineConfig({
  // The plugin's tests read the SDK's sources, not a build of them.
  ssr: { resolve: { conditions: ["source", "node", "import", "default"] } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "test/cluster/**", "test/bench/**"],
    coverage: {
      // Shown in CI; locally by `npm run test:coverage`.
      enabled: process.env["CI"] === "true",
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      reporter: ["text-summary", "json-summary"]
    }
  }
})
