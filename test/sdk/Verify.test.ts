/** A profile's section `restore`, from a file to the argv that runs. */
import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { restoringFromFile } from "../../packages/sdk/src/Profile.ts"
import { argvOf } from "../../packages/sdk/src/Verify.ts"

const file = (restore: object) => ({ apiVersion: "kubectl-stateful.dev/v1", kind: "Profile", restore })
const paths = new Map([
  ["data", "/prove/data"],
  ["wal", "/prove/wal"]
])

describe("a profile's verify", () => {
  it("has the places of the volumes filled in, and passes no shell", () => {
    const read = restoringFromFile(
      "./db.yaml",
      file({ verify: { command: ["check", "{path}", "-w={path:wal}", "$x"] } })
    )
    const { verify = assert.fail("it has one") } = Result.getOrThrow(read)
    assert.deepEqual(argvOf(verify, paths), Result.succeed(["check", "/prove/data", "-w=/prove/wal", "$x"]))
    const strange = argvOf({ ...verify, argv: ["{path:log}"] }, paths)
    assert.match(
      Result.isFailure(strange) ? strange.failure : "",
      /db.yaml names {path:log}, and there is no such/
    )
  })

  it("is none where its section has none, and a typing error is refused", () => {
    assert.deepEqual(restoringFromFile("x", file({})), Result.succeed({}))
    assert.isTrue(Result.isFailure(restoringFromFile("x", file({ verfiy: { command: ["x"] } }))))
    assert.isTrue(Result.isFailure(restoringFromFile("x", file({ verify: { command: [] } }))))
  })
})
