import { assert, describe, it } from "vitest"
import { clean, withoutCredentials } from "../../../packages/kubectl-stateful/src/report/credentials.ts"
import { canaries } from "./situation.ts"

describe("what has the form of a credential", () => {
  for (const [what, text, left] of [
    ["a bearer token", "Authorization: Bearer abc123.def-456", "Authorization: Bearer <hidden>"],
    ["a JSON Web Token", `got ${canaries.token} from x`, "got <hidden> from x"],
    ["a URL's password", "dial postgres://ann:pw@db:5432/x", "dial postgres://<hidden>@db:5432/x"],
    ["one with an @ and a slash", "dial redis://:p@s/s@db:6379, x", "dial redis://<hidden>@db:6379, x"],
    ["a token of 900 letters", `pg://ann:${"ab".repeat(450)}@db`, "pg://<hidden>@db"],
    ["a field of JSON", '{"dbPassword": "a b", "a": 1}', '{"dbPassword": "<hidden>", "a": 1}'],
    ["JSON in JSON", '"{\\"token\\":\\"abc\\"}"', '"{\\"token\\":\\"<hidden>\\"}"'],
    ["a variable", "PGPASSWORD=hunter2 psql", "PGPASSWORD=<hidden> psql"],
    ["a flag", 'run --api-key="a b" --force', "run --api-key=<hidden> --force"],
    ["a flag's next word", "run --db-password hunter2 --force", "run --db-password <hidden> --force"],
    ["a line of YAML", "user: ann\n  dbPassword: hunter2\n", "user: ann\n  dbPassword: <hidden>\n"],
    ["another scheme", "Authorization: ApiKey abc, retried", "Authorization: ApiKey <hidden>, retried"],
    ["a header without one", "authorization: abc", "authorization: <hidden>"],
    ["a header of a token", "X-Vault-Token: abc", "X-Vault-Token: <hidden>"],
    ["a cookie", 'curl -H "Cookie: a=b; session=c" x', 'curl -H "Cookie: <hidden>" x'],
    ["an age identity", "read AGE-SECRET-KEY-1QYQSZQGPQYQSZQGPQYQ.", "read <hidden>."],
    ["a token by its prefix", "token hvs.CAESIJ0123456789 is refused", "token <hidden> is refused"],
    ["a private key", "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----.", "<hidden>."],
    ["half a private key", "-----BEGIN PRIVATE KEY-----\nMII", "<hidden>"]
  ] as const) {
    it(`is left out of a text: ${what}`, () => {
      assert.strictEqual(withoutCredentials(text), left)
    })
  }

  it("is no name, no label and no message of Kubernetes", () => {
    for (const text of [
      "Secret db-pass and Secret db-token (missing key password)",
      'MountVolume.SetUp failed for volume "tls" : references non-existent secret key: tls.crt',
      'failed to fetch token: serviceaccounts "db" not found',
      "https://registry.example.com/a@sha256:0f3a",
      "app.kubernetes.io/name=db,tier=data",
      "oci://registry:5000/a@sha256:0f3a and http://db:8080/x?to=a@b",
      '{"secretName":"tls","tokens":3}',
      "docker.io/library/postgres:17@sha256:0f3a"
    ])
      assert.strictEqual(withoutCredentials(text), text)
  })

  it("is found in a long text in a time that is proportional to it", () => {
    const start = performance.now()
    for (const part of ["-eyJaaaaaaaa", "a://b:", "token", '"token', "Bearer ", "--", "x-", "cookie:"])
      withoutCredentials(part.repeat(60_000))
    assert.isBelow(performance.now() - start, 5000)
  })

  it("is left out of every text of a value, whose shape stays", () => {
    const value = { a: ["Bearer abcdef1", 1, null], b: { c: true } }
    assert.deepEqual(clean(value), { a: ["Bearer <hidden>", 1, null], b: { c: true } })
  })
})
