import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { kinds, resourceName } from "../../packages/sdk/src/Kind.ts"
import { pod } from "./objects.ts"

describe("an object is accepted as it came, or refused by name", () => {
  it("an accepted object is the very object, with the fields we do not know", () => {
    const object = pod(0, { spec: { fieldOfTomorrow: { a: [1] } } })
    const accepted = kinds.pods.accept(object)
    assert.isTrue(Result.isSuccess(accepted))
    if (Result.isSuccess(accepted)) assert.strictEqual<unknown>(accepted.success, object)
  })

  it("a model with Dates is accepted with the fields we do not know, as it is now", () => {
    const container = { name: "db", securityContext: { runAsUser: 5 }, fieldOfTomorrow: [1] }
    const was = pod(0, { spec: { hostAliases: [{ ip: "10.0.0.1" }], containers: [container] } })
    const spec: Record<string, unknown> = { ...Object(was.spec) }
    const at = new Date("2026-11-29T20:00:00.000Z")
    const model = { ...was, metadata: { ...Object(was.metadata), creationTimestamp: at }, spec }
    const wanted = () => ({
      ...model,
      metadata: { ...model.metadata, creationTimestamp: "2026-11-29T20:00:00Z" }
    })
    const accepted = () => Result.getOrThrow(kinds.pods.accept(model))
    assert.deepEqual<unknown>(accepted(), wanted())
    spec["nodeName"] = "other"
    assert.deepEqual<unknown>(accepted(), wanted())
  })

  it("null stands for absent, as Go's encoders write it", () => {
    const object = pod(0, { metadata: { finalizers: null }, spec: { tolerations: null } })
    assert.isTrue(Result.isSuccess(kinds.pods.accept(object)))
  })

  it.each([
    [{ status: { containerStatuses: "x" } }, "status.containerStatuses: expected array"],
    [{ metadata: { labels: { app: 1 } } }, "metadata.labels.app: expected string"],
    [{ spec: { containers: [{ name: "a" }, { name: 3 }] } }, "spec.containers[1].name: expected string"]
  ])("a field of another type is named with its path: %j", (changes, expected) => {
    const refused = kinds.pods.accept(pod(0, changes))
    assert.isTrue(Result.isFailure(refused))
    if (Result.isFailure(refused)) assert.deepEqual(refused.failure, [expected])
  })

  it("a size may be a number wherever the API has a quantity", () => {
    const cut = { metadata: { name: "a" }, spec: { source: {} }, status: { restoreSize: 1073741824 } }
    assert.isTrue(Result.isSuccess(kinds.volumesnapshots.accept(cut)))
  })

  it.each([null, 3, "pod", [], {}])("%j is refused, not thrown at", (value) => {
    assert.isTrue(Result.isFailure(kinds.pods.accept(value)))
  })

  it("an object is judged once, however often it is shown: the answer is the same one", () => {
    for (const object of [pod(0), pod(0, { spec: { containers: 3 } })]) {
      assert.strictEqual(kinds.pods.accept(object), kinds.pods.accept(object))
    }
  })

  it("every kind refuses what has no metadata, under a name that kubectl understands", () => {
    for (const [plural, kind] of Object.entries(kinds)) {
      assert.isTrue(Result.isFailure(kind.accept({ spec: {} })), plural)
      assert.equal(kind.plural, plural)
      assert.equal(kind.version, kind.versions[0])
    }
    assert.equal(resourceName("pods"), "pods")
    assert.equal(resourceName("volumesnapshots"), "volumesnapshots.snapshot.storage.k8s.io")
  })
})
