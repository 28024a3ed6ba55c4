/** What a command line of `restore` means. */
import { assert, describe, it } from "vitest"
import { restored } from "../../../packages/kubectl-stateful/src/flags/restore.ts"

type Flags = Parameters<typeof restored>[1]

const of = (snapshot: string | undefined, flags: object = {}) => {
  const none = { undo: undefined, "from-volume-snapshots": undefined, "volume-snapshot": undefined }
  return restored(snapshot, { ...none, ...flags } as Flags)
}

describe("restore", () => {
  it("is of one thing: a snapshot, an operation, or what others have cut", () => {
    assert.deepEqual(of("nightly"), { _tag: "Snapshot", name: "nightly" })
    assert.deepEqual(of(undefined, { undo: "8f3a21bc" }), { _tag: "Undo", id: "8f3a21bc" })
    assert.throws(() => of(undefined), /exactly one source is required/)
    assert.throws(() => of("nightly", { undo: "8f3a21bc" }), /exactly one source is required/)
  })

  it("takes VolumeSnapshots by the claims that they are of, each claim once", () => {
    const flags = { "from-volume-snapshots": "sts/db", "volume-snapshot": ["data-db-0=a", "data-db-1=b"] }
    assert.deepEqual(of(undefined, flags), {
      _tag: "VolumeSnapshots",
      app: "db",
      named: { "data-db-0": "a", "data-db-1": "b" }
    })
    const twice = { ...flags, "volume-snapshot": ["data-db-0=a", "data-db-0=b"] }
    assert.throws(() => of(undefined, twice), /names claim data-db-0 twice/)
    assert.throws(
      () => of(undefined, { ...flags, "volume-snapshot": ["a"] }),
      /invalid --volume-snapshot "a"/
    )
    assert.throws(() => of("nightly", { "volume-snapshot": ["a=b"] }), /requires --from-vol/)
    assert.throws(() => of(undefined, { "from-volume-snapshots": "deploy/web" }), /is not a StatefulSet/)
    assert.throws(() => of(undefined, { ...flags, "with-config": true }), /contain no configuration/)
  })
})
