import { defineConfig } from "vitest/config"
export default defineConfig({
  root: process.cwd(),
  ssr: { resolve: { conditions: ["source", "node", "import", "default"] } },
  test: { include: ["test/cluster/**/*.test.ts"], fileParallelism: false, testTimeout: 120_000, hookTimeout: 300_000 }
})
