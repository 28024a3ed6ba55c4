import { assert, describe, it } from "@effect/vitest"
import { parse, proxyPath, queryOf } from "../../packages/sdk/src/PodUrl.ts"

describe("an address in a pod", () => {
  it("is one of the pod alone: it has no host, no user, and a port that there is", () => {
    for (const text of [
      "http://db:80/",
      "http://me@:80/",
      "http://:0/",
      "http://:65536/",
      "ftp://:80/",
      "//:80/"
    ])
      assert.isNull(parse(text), text)
  })

  it("leads to no other place at the API server, however its dots are written", () => {
    const outside = [
      "/../x",
      "/a/../../x",
      "/./x",
      "/%2e%2E/x",
      "/.%2e/x",
      "/..;a/x",
      "/a%2f..%2Fx",
      "/..\\x",
      "/..%5cx",
      "/.."
    ]
    for (const path of [...outside, "/a b", "/\u0000", "/\u00e9"])
      assert.isNull(parse(`http://:80${path}`), path)
    const found = parse("https://:8443/a..b/.well-known/%2e%2e%2e?to=../x") ?? assert.fail("it is one")
    assert.strictEqual(
      proxyPath(found, "shop", "db-0"),
      "/api/v1/namespaces/shop/pods/https:db-0:8443/proxy/a..b/.well-known/%2e%2e%2e"
    )
    assert.deepEqual(queryOf(found), [["to", "../x"]])
  })
})
