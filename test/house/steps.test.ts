import { basename } from "node:path"
import { assert, describe, it } from "vitest"
import { cloneVerb } from "../../packages/sdk/src/restore/cloneVerb.ts"
import { releaseVerb } from "../../packages/sdk/src/restore/releaseVerb.ts"
import { scaleVerb } from "../../packages/sdk/src/scale/verb.ts"
import { pruneVerb } from "../../packages/sdk/src/snapshot/pruneVerb.ts"
import { snapshotVerb } from "../../packages/sdk/src/snapshot/verb.ts"
import { files, read } from "./sources.ts"

const sdk = "packages/sdk/src/"
const sources = files(sdk).filter((path) => path.endsWith(".ts"))
const plugin = files("packages/kubectl-stateful/src").filter((path) => path.endsWith(".ts"))
const verbs = [scaleVerb, snapshotVerb, pruneVerb, cloneVerb, releaseVerb]
const tags = [...new Set(verbs.flatMap(({ steps }) => steps.map(({ tag }) => tag)))]

describe("a kind of step", () => {
  it("there are kinds to look at", () => {
    assert.isAtLeast(tags.length, 9)
  })

  it("is named in no file but its own, so a reader finds its whole life there", () => {
    for (const tag of tags) {
      const places = [...sources, ...plugin].filter((path) => read(path).includes(`"${tag}"`))
      assert.deepEqual(
        places.filter((path) => !path.startsWith(`${sdk}step/`)),
        [],
        tag
      )
      assert.lengthOf(places, 1, `${tag}: ${places.join(", ")}`)
    }
  })

  it("is told apart by its kind alone: nobody switches over steps", () => {
    const switching = [...sources, ...plugin].filter((path) =>
      /switch \(step\._tag\)|Match\.valueTags\(step|step\._tag ===/.test(read(path))
    )
    assert.deepEqual(
      switching.map((path) => basename(path)),
      ["Step.ts"]
    )
  })
})
