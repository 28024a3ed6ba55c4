import { assert, describe, it } from "vitest"
import { appTarget, target, type Words } from "../../../packages/kubectl-stateful/src/command/target.ts"
import { Usage } from "../../../packages/kubectl-stateful/src/command/usage.ts"

type Typed = Partial<Words> & { readonly first?: string; readonly second?: string }

const read = ({ first, second, ...more }: Typed) =>
  target({ words: [first, second].filter((word) => word !== undefined), ...more })

const refusal = (words: Typed): string => {
  try {
    read(words)
  } catch (error) {
    if (error instanceof Usage) return `${error.fact}; ${error.action}`
    throw error
  }
  return "accepted"
}

describe("what a command line names", () => {
  it("is one StatefulSet, with its type written in any of kubectl's ways or left out", () => {
    const db = { _tag: "Apps", apps: [{ _tag: "Named", name: "db" }] } as const
    assert.deepEqual(read({ first: "db" }), db)
    for (const type of [
      "statefulset",
      "statefulsets",
      "sts",
      "statefulset.apps",
      "STS",
      "statefulsets.v1.apps"
    ]) {
      assert.deepEqual(read({ first: `${type}/db` }), db, type)
      assert.deepEqual(read({ first: type, second: "db" }), db, type)
    }
  })

  it("is several in the order in which they were typed, each once", () => {
    const both = {
      _tag: "Apps",
      apps: [
        { _tag: "Named", name: "web" },
        { _tag: "Named", name: "db" }
      ]
    } as const
    for (const words of [
      ["web", "db"],
      ["web", "db", "web"],
      ["sts", "web", "db"],
      ["sts/web", "statefulset/db"]
    ])
      assert.deepEqual(target({ words }), both, words.join(" "))
    assert.throws(() => appTarget({ words: ["web", "db"] }, "snapshot db"), /one application at a time/)
  })

  it("is one application by its labels", () => {
    const wanted = { _tag: "Apps", apps: [{ _tag: "Selected", selector: "app=db" }] } as const
    assert.deepEqual(read({ selector: "app=db" }), wanted)
    assert.deepEqual(read({ first: "sts", selector: "app=db" }), wanted)
  })

  it("is all of them without a name", () => {
    assert.deepEqual(read({}), { _tag: "All", allNamespaces: false })
    assert.deepEqual(read({ first: "sts", allNamespaces: true }), { _tag: "All", allNamespaces: true })
  })

  it("is refused for another kind, with what to do", () => {
    const way = "name a StatefulSet, or all of an application's workloads by their labels with -l"
    assert.strictEqual(refusal({ first: "deployment/web" }), `"deployment/web" is not a StatefulSet; ${way}`)
    assert.strictEqual(
      refusal({ first: "deploy", second: "web" }),
      `"deploy/web" is not a StatefulSet; ${way}`
    )
    assert.strictEqual(refusal({ first: "pod/db-0" }), `"pod/db-0" is not a StatefulSet; ${way}`)
  })

  it("is refused when it contradicts itself", () => {
    for (const words of [
      { first: "db", allNamespaces: true },
      { first: "db", selector: "app=db" },
      { selector: "app=db", allNamespaces: true },
      { first: "sts/db", second: "web" },
      { first: "db", second: "" },
      { first: "sts/" }
    ]) {
      assert.notStrictEqual(refusal(words), "accepted", JSON.stringify(words))
    }
  })
})
