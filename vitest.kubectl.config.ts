import { defineConfig } from "vitest/config"

/** `npm run test:kubectl`: the real kubectl and Helm, built with the test bed, on the served sandbox. */
export default defineConfig({
  ssr: { resolve: { conditions: ["source", "node", "import", "default"] } },
  test: {
    globalSetup: ["test/shipped.ts"],
    include: ["test/cluster/*-on-sandbox.test.ts"],
    isolate: false,
    // Each starts programs that have work to do.
    maxWorkers: 2,
    maxConcurrency: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000
  }
})
