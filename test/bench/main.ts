/** `npm run bench -- NAME`: what is measured, and printed as a table with its bounds. */
import { parseArgs } from "node:util"

const usage = `usage: npm run bench -- NAME [--pairs N] [--quick] [--only WORDS]

  cli        what starts and reads take as whole processes, against node and kubectl, on the test bed
  scale      ordered scaling against kubectl and the native controller, on the test bed
  snapshot   freezes and restores against the least they can take, and against loops, on the test bed
  sandbox    what the cluster in memory costs; needs no cluster
  state      what composing the state of 50,000 pods costs; needs no cluster
  discovery  how late a pod's change is seen, and what a followed pod takes, on the test bed
  routing    what picking a replica for a key costs; needs no cluster

  --pairs N      measure each row in N pairs (5)
  --quick        one pair of smaller numbers: shows that all runs, measures nothing
  --only WORDS   the rows whose name has these words`

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: "string", default: "5" },
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    help: { type: "boolean", short: "h", default: false }
  }
})

const [name] = positionals
if (values.help || name === undefined) {
  console.log(usage)
} else if (name === "cli") {
  const { cli } = await import("./cli.ts")
  process.exitCode = await cli({
    pairs: values.quick ? 1 : Number(values.pairs),
    quick: values.quick,
    only: values.only
  })
} else if (name === "scale") {
  const { scale } = await import("./scale.ts")
  process.exitCode = await scale({
    pairs: values.quick ? 1 : Number(values.pairs),
    quick: values.quick,
    only: values.only
  })
} else if (name === "snapshot") {
  const { snapshot } = await import("./snapshot.ts")
  process.exitCode = await snapshot({
    pairs: values.quick ? 1 : Number(values.pairs),
    quick: values.quick,
    only: values.only
  })
} else if (name === "sandbox") {
  await import("./sandbox.ts")
} else if (name === "state") {
  await import("./state.ts")
} else if (name === "discovery") {
  const { discovery } = await import("./discovery.ts")
  process.exitCode = await discovery({ quick: values.quick })
  await import("./routing.ts")
} else if (name === "routing") {
  await import("./routing.ts")
} else {
  console.error(`error: there is no benchmark "${name}"\n${usage}`)
  process.exitCode = 1
}
