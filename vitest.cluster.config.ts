import { defineConfig } from "vitest/config"

/** `npm run test:cluster`: the suites that need a real cluster. One at a time: they share it. */
export default defineConfig({
  ssr: { resolve: { conditions: ["source", "node", "import", "default"] } },
  test: {
    include: ["test/cluster/**/*.test.ts"],
    globalSetup: ["test/cluster/suite/cluster.ts"],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000
  }
})
