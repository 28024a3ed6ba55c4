import { assert, describe, it } from "vitest"
import type { Reason } from "../../../packages/sdk/src/Cluster.ts"
import { fromStatus } from "../../../packages/sdk/src/Resource.ts"

const read = { method: "GET", path: "/apis/apps/v1/namespaces/shop/statefulsets/db" } as const
const write = { ...read, method: "PATCH" } as const

const body = (reason: string, message: string, details: unknown = {}) => ({
  kind: "Status",
  reason,
  message,
  details
})

describe("a refusal's way out", () => {
  it("is a ClusterRole where the rule is one of the whole cluster, else a Role", () => {
    const at = (where: string) =>
      fromStatus(read, 403, {}, body("Forbidden", `User "u" cannot list resource "nodes" ${where}`)).action
    assert.match(at("at the cluster scope") ?? "", /^ask for a ClusterRole with this rule/)
    assert.match(at('in the namespace "shop"') ?? "", /^ask for a Role with this rule/)
  })

  it("is no permission where a quota, a policy or a webhook refuses, and no Role of a command to impersonate", () => {
    const said = (message: string) => fromStatus(write, 403, {}, body("Forbidden", message))
    for (const message of [
      'persistentvolumeclaims "data-db-1" is forbidden: exceeded quota: q, requested: requests.storage=1Gi',
      'pods "db-1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
      'admission webhook "w" denied the request: no User "u" here cannot',
      'configmaps "a" is forbidden: unable to create new content in namespace shop because it is being terminated'
    ]) {
      const { action, permission } = said(message)
      assert.notMatch(action ?? "", /Role/)
      assert.isUndefined(permission)
    }
    const user = 'users "ann" is forbidden: User "u" cannot'
    const impersonating = said(`${user} impersonate resource "users" in API group "" at the cluster scope`)
    assert.match(impersonating.action ?? "", /^ask for a ClusterRole/)
    assert.isUndefined(impersonating.permission)
    const path = said('forbidden: User "u" cannot get path "/livez"')
    assert.deepEqual(path.permission, { rest: null })
  })

  it("is the server's address where a login page or a proxy answers, which no Role changes", () => {
    for (const code of [302, 403])
      for (const answer of [null, { type: "error", code: "Forbidden" }]) {
        const { action, message } = fromStatus(read, code, {}, answer)
        assert.match(action ?? "", /^check the server's address and any proxy before it/)
        assert.match(message, new RegExp(`: the server answered ${code}$`))
      }
  })
})

describe("a refusal's words", () => {
  it("are cut where they become an error's, however long they are", () => {
    const long = "x ".repeat(10_000_000)
    for (const request of [read, write]) {
      const error = fromStatus(request, 503, {}, body("ServiceUnavailable", long))
      assert.isBelow(error.message.length, 2200)
      assert.match(error.message, /20000000 characters/)
    }
  })

  it("are told apart from junk in their place", () => {
    for (const junk of [{ message: 5 }, { message: null }, { details: { causes: {} } }, { details: [] }]) {
      const status = { ...body("TooManyRequests", "x"), ...junk }
      assert.strictEqual(fromStatus(read, 429, {}, status).reason._tag, "TooManyRequests")
    }
  })
})

describe("a refusal's reason", () => {
  const cases: ReadonlyArray<readonly [string, number, unknown, Reason["_tag"]]> = [
    ["NotFound names an object", 404, body("NotFound", 'statefulsets.apps "db" not found'), "NotFound"],
    [
      "NotFound without an object is an API that is not served",
      404,
      body("NotFound", "the server could not find the requested resource"),
      "Unsupported"
    ],
    ["404 without a Status is an API that is not served", 404, null, "Unsupported"],
    ["AlreadyExists", 409, body("AlreadyExists", "x"), "AlreadyExists"],
    ["Conflict", 409, body("Conflict", "x"), "Conflict"],
    ["Unauthorized", 401, body("Unauthorized", "Unauthorized"), "Unauthorized"],
    ["Forbidden", 403, body("Forbidden", "x"), "Forbidden"],
    ["Invalid", 422, body("Invalid", "x"), "Invalid"],
    ["BadRequest", 400, body("BadRequest", "x"), "BadRequest"],
    ["Expired", 410, body("Expired", "x"), "Expired"],
    ["Gone", 410, body("Gone", "x"), "Expired"],
    ["MethodNotAllowed", 405, body("MethodNotAllowed", "x"), "Unsupported"],
    ["NotAcceptable", 406, body("NotAcceptable", "x"), "Unsupported"],
    ["an object that is too large", 413, body("RequestEntityTooLarge", "x"), "Invalid"],
    ["InternalError", 500, body("InternalError", "x"), "InternalError"],
    ["a reason of a later version falls back to its code", 403, body("NewReason", "x"), "Forbidden"],
    ["a reason named as a method of objects is none", 403, body("constructor", "x"), "Forbidden"],
    ["503 from a balancer before the server", 503, "<html>", "Unavailable"],
    ["ServiceUnavailable", 503, body("ServiceUnavailable", "x"), "Unavailable"],
    ["Timeout", 504, body("Timeout", "x"), "Timeout"],
    ["a redirect to a login page", 302, null, "Unreadable"]
  ]
  for (const [what, code, answer, tag] of cases) {
    it(what, () => assert.strictEqual(fromStatus(read, code, {}, answer).reason._tag, tag))
  }

  it("a write that may have happened has an unknown outcome", () => {
    for (const [code, answer] of [
      [503, null],
      [502, null],
      [504, body("Timeout", "request did not complete within 60s")],
      [500, body("InternalError", "etcdserver: leader changed")],
      [500, body("InternalError", "etcdserver: request timed out")]
    ] as const) {
      assert.strictEqual(fromStatus(write, code, {}, answer).reason._tag, "OutcomeUnknown")
    }
    const webhook = body("InternalError", 'failed calling webhook "x": connection refused')
    assert.strictEqual(fromStatus(write, 500, {}, webhook).reason._tag, "InternalError")
  })

  it("a dry run and a review change nothing, so their outcome is never unknown", () => {
    const dry = { ...write, query: [["dryRun", "All"]] as const }
    const review = { method: "POST", path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" } as const
    for (const request of [dry, review]) {
      assert.strictEqual(fromStatus(request, 503, {}, null).reason._tag, "Unavailable")
    }
  })

  it("Retry-After is kept, from the header or the Status", () => {
    const wait = (headers: Record<string, string>, answer: unknown) =>
      fromStatus(read, 429, headers, answer).reason
    assert.deepEqual(wait({ "retry-after": "2" }, null), { _tag: "TooManyRequests", retryAfterMillis: 2000 })
    assert.deepEqual(wait({}, body("TooManyRequests", "x", { retryAfterSeconds: 5 })), {
      _tag: "TooManyRequests",
      retryAfterMillis: 5000
    })
    assert.deepEqual(wait({ "retry-after": "soon" }, null), {
      _tag: "TooManyRequests",
      retryAfterMillis: null
    })
  })

  it("a disruption budget's 429 is nothing to wait a moment for", () => {
    const budget = body(
      "TooManyRequests",
      "Cannot evict pod as it would violate the pod's disruption budget.",
      {
        retryAfterSeconds: 10,
        causes: [{ reason: "DisruptionBudget" }]
      }
    )
    assert.deepEqual(fromStatus(write, 429, { "retry-after": "10" }, budget).reason, {
      _tag: "TooManyRequests",
      retryAfterMillis: null
    })
  })

  it("the server's words are kept, and a rule that is missing is in them", () => {
    const words =
      'statefulsets.apps "db" is forbidden: User "u" cannot patch resource "statefulsets" in API group "apps"'
    const error = fromStatus(write, 403, {}, body("Forbidden", words))
    assert.strictEqual(error.message, words)
    assert.strictEqual(error.status, 403)
    assert.isDefined(error.action)
  })

  it("a 401 is told in kubectl's words, with what to do", () => {
    const error = fromStatus(read, 401, {}, body("Unauthorized", "Unauthorized"))
    assert.strictEqual(error.message, "You must be logged in to the server (Unauthorized)")
    assert.match(error.action ?? "", /log in again/)
  })

  it("a list that the server no longer has is to be asked for again", () => {
    assert.match(fromStatus(read, 410, {}, body("Expired", "too old")).action ?? "", /^try again/)
  })

  it("words that run over lines become one", () => {
    const error = fromStatus(write, 403, {}, body("Forbidden", 'admission webhook "x" denied:\n  - a\n  - b'))
    assert.strictEqual(error.message, 'admission webhook "x" denied: - a - b')
  })

  it("words about a Secret that was sent are not told, but for a missing permission", () => {
    const sent = { method: "POST", path: "/api/v1/namespaces/shop/secrets", query: [] } as const
    const tried = { ...sent, query: [["dryRun", "All"]] } as const
    for (const [code, reason, request] of [
      [400, "BadRequest", sent],
      [403, "Forbidden", sent],
      [409, "AlreadyExists", sent],
      [422, "Invalid", sent],
      [500, "InternalError", sent],
      [504, "Timeout", sent],
      [403, "Forbidden", tried]
    ] as const) {
      const { message } = fromStatus(
        request,
        code,
        {},
        body(reason, 'webhook "x" denied: data.password="s3cret"')
      )
      assert.notInclude(message, "s3cret")
      assert.include(message, "POST /api/v1/namespaces/shop/secrets: ")
    }
    const old = 'admission webhook "x" denied the request: {"oldObject":{"data":{"password":"s3cret"}}}'
    const path = `${sent.path}/pass`
    assert.notInclude(
      fromStatus({ ...sent, method: "DELETE", path }, 403, {}, body("Forbidden", old)).message,
      "s3cret"
    )
    const posing = 'admission webhook "x" denied: User "u" cannot create resource "secrets" with s3cret'
    assert.notInclude(fromStatus(sent, 403, {}, body("Forbidden", posing)).message, "s3cret")
    const quota = "exceeded quota: team, requested: secrets=1, used: secrets=2, limited: secrets=2"
    const full = fromStatus(sent, 403, {}, body("Forbidden", `secrets "a" is forbidden: ${quota}`))
    assert.strictEqual(full.message, `POST ${sent.path}: ${quota}`)
    const gone = fromStatus({ ...sent, method: "DELETE" }, 404, {}, body("NotFound", 'secrets "a" not found'))
    assert.strictEqual(gone.message, 'secrets "a" not found')
    const words = 'secrets is forbidden: User "u" cannot create resource "secrets" in API group ""'
    const more = ` in the namespace "shop"`
    for (const own of [words, `${words}${more}`]) {
      const { action, message } = fromStatus(sent, 403, {}, body("Forbidden", `${own}: s3cret`))
      assert.strictEqual(message, `POST ${sent.path}: ${own}`)
      assert.include(action ?? "", "ask for a Role")
    }
    assert.strictEqual(fromStatus(sent, 403, {}, body("Forbidden", words)).message, words)
    assert.include(
      fromStatus({ ...sent, path: "/api/v1/namespaces/secrets/pods" }, 422, {}, body("Invalid", "why"))
        .message,
      "why"
    )
  })

  it("words that name no object are told with the request they answer", () => {
    const vague = body("Invalid", "the server rejected our request due to an error in our request")
    assert.match(
      fromStatus(write, 422, {}, vague).message,
      /^PATCH \/apis\/apps\/v1\/.*\/db: the server rejected/
    )
    assert.match(fromStatus(read, 404, {}, null).message, /^GET .*: the server answered 404$/)
  })
})
