/** Test beds side by side on one machine: each has its own names, from one place. */
import { basename } from "node:path"
import { assert, describe, it } from "vitest"
import { type Bed, layout, numbers } from "../cluster/bed/topology.ts"
import { files, read } from "./sources.ts"

/** What a bed has of the machine's; its nodes' names are its cluster's alone. */
const owned = ({ nodes, ...bed }: Bed): ReadonlyArray<string> =>
  [
    ...Object.values(bed),
    ...nodes.flatMap(({ address, podRange, netns, link, folder }) => [address, podRange, netns, link, folder])
  ].map(String)

/** The first and the last address of a range, as numbers; undefined for anything else. */
const span = (text: string): readonly [number, number] | undefined => {
  if (!text.startsWith("10.")) return undefined
  const [base = "", bits = "32"] = text.split("/")
  const first = base.split(".").reduce((number, part) => number * 256 + Number(part), 0)
  return [first, first + 2 ** (32 - Number(bits)) - 1]
}

const overlap = (left: string, right: string): boolean => {
  const [mine, theirs] = [span(left), span(right)]
  return mine !== undefined && theirs !== undefined && mine[0] <= theirs[1] && theirs[0] <= mine[1]
}

const collide = (left: string, right: string): boolean =>
  left === right ||
  overlap(left, right) ||
  (left.startsWith("/") && (left.startsWith(`${right}/`) || right.startsWith(`${left}/`)))

const beds = numbers.map((number) => layout(number))

describe("two test beds", () => {
  it("share no name, range, path or port", () => {
    for (const left of beds)
      for (const right of beds.filter(({ number }) => number > left.number)) {
        const shared = owned(left).flatMap((mine) =>
          owned(right).flatMap((theirs) => (collide(mine, theirs) ? [`${mine} and ${theirs}`] : []))
        )
        assert.deepEqual(shared, [], `beds ${left.number} and ${right.number}`)
        // The API server looks for a free port through a hundred.
        assert.isAtLeast(right.apiPort - left.apiPort, 100)
      }
  })

  it("the first is where it was when there was only one", () => {
    const { nodes, ...first } = layout(1)
    assert.include(first, {
      root: "/var/lib/kubectl-stateful-bed",
      name: "kubectl-stateful-bed",
      bridge: "bed0",
      hostAddress: "10.200.0.1",
      podRanges: "10.201.0.0/16",
      serviceRange: "10.96.0.0/16",
      apiPort: 6443
    })
    assert.deepEqual(
      nodes.map(({ address, podRange, netns, link }) => [address, podRange, netns, link]),
      [
        ["10.200.0.11", "10.201.1.0/24", "bed-node-a", "bed-a"],
        ["10.200.0.12", "10.201.2.0/24", "bed-node-b", "bed-b"],
        ["10.200.0.13", "10.201.3.0/24", "bed-node-c", "bed-c"]
      ]
    )
  })

  it("fit the kernel's limits on names of links and paths of sockets", () => {
    for (const { root, bridge, nodes } of beds) {
      assert.isAtMost(root.length, 38)
      for (const name of [bridge, ...nodes.map(({ link }) => `${link}-in`)]) assert.isAtMost(name.length, 15)
    }
  })

  it("no other file of the bed has an address or a name of its own", () => {
    const constant = /\b10\.\d+\.|kubectl-stateful-bed\b|"bed\d|bed-node/
    const strewn = files("test/cluster/bed")
      .filter((path) => path.endsWith(".ts") && basename(path) !== "topology.ts")
      .flatMap((path) =>
        read(path)
          .split("\n")
          .filter((line) => constant.test(line))
          .map((line) => `${path}: ${line.trim()}`)
      )
    assert.deepEqual(strewn, [])
  })
})
