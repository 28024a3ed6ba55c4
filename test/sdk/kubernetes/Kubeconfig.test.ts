import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdirSync } from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import os from "node:os"
import { join } from "node:path"
import { Cluster, type ClusterError } from "../../../packages/sdk/src/Cluster.ts"
import { inCluster } from "../../../packages/sdk/src/kubernetes/inCluster.ts"
import { access, type Options } from "../../../packages/sdk/src/kubernetes/index.ts"
import { folder, kubeconfig, live, write } from "./server.ts"

const cluster = (name: string, server: string) => ({ name, cluster: { server } })
const context = (name: string, clusterName: string, user = "me") => ({
  name,
  context: { cluster: clusterName, user }
})

/** One line, a way out, and nothing of the file's secrets. */
const isPolite = (error: ClusterError, message: RegExp) => {
  assert.strictEqual(error.reason._tag, "Config")
  assert.match(error.message, message)
  assert.notInclude(error.message, "\n")
  assert.isAbove(error.action?.length ?? 0, 0)
  assert.notInclude(JSON.stringify(error), "canary")
}

const refused = (options: Options) => Effect.flip(access(options))

describe("files merge as kubectl merges them", () => {
  it.effect(
    "the first file that names a thing wins the whole of it, and the first current-context counts",
    () =>
      Effect.gen(function* () {
        const dir = yield* folder
        const a = write(dir, "a", {
          clusters: [{ name: "c", cluster: { server: "https://first" } }],
          contexts: [context("x", "c")],
          users: [{ name: "me", user: { token: "one" } }]
        })
        const b = write(dir, "b", {
          "current-context": "x",
          clusters: [{ name: "c", cluster: { server: "https://second", "tls-server-name": "other" } }],
          contexts: [context("y", "c")],
          users: [{ name: "me", user: { token: "two", tokenFile: "t" } }]
        })
        const c = write(dir, "c", { "current-context": "y" })
        const found = yield* access({ environment: { KUBECONFIG: [a, b, c].join(":") } })
        assert.strictEqual(found.context, "x")
        assert.strictEqual(found.cluster.server, "https://first")
        assert.isNull(found.cluster.serverName)
        assert.strictEqual(found.user.token, "one")
        assert.isNull(found.user.tokenFile)
      })
  )

  it.effect("missing files, empty files, empty entries and repeats in $KUBECONFIG are ignored", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const good = write(dir, "good", kubeconfig("https://good"))
      const empty = write(dir, "empty", "")
      const KUBECONFIG = ["", join(dir, "missing"), empty, good, good, ""].join(":")
      assert.strictEqual((yield* access({ environment: { KUBECONFIG } })).cluster.server, "https://good")
    })
  )

  it.effect("a name repeated within one file is refused, as kubectl does: either may be meant", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const { clusters: _, ...rest } = kubeconfig("https://x")
      const clusters = [cluster("test", "https://first"), cluster("test", "https://second")]
      const file = write(dir, "f", { ...rest, clusters })
      isPolite(yield* refused({ kubeconfig: file }), /it has two clusters named "test"$/)
      const all: Readonly<Record<string, unknown>> = { ...kubeconfig("https://x") }
      for (const plural of ["users", "contexts"]) {
        const [one] = Array.isArray(all[plural]) ? all[plural] : []
        const twice = write(dir, plural, { ...all, [plural]: [one, one] })
        isPolite(yield* refused({ kubeconfig: twice }), new RegExp(`it has two ${plural} named`))
      }
    })
  )

  it.effect("a word for true or false is what YAML 1.1 says, as kubectl reads it; a text is none", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const server = "server: https://x"
      const of = (word: string) =>
        access({
          environment: {},
          kubeconfig: write(
            dir,
            "f",
            `contexts: [{ name: a, context: { cluster: b } }]\ncurrent-context: a\nclusters:\n- name: b\n  cluster:\n    ${server}\n    insecure-skip-tls-verify: ${word}\n`
          )
        })
      for (const word of ["yes", "y", "On", "TRUE", "true"])
        assert.isTrue((yield* of(word)).cluster.insecure, word)
      for (const word of ["no", "N", "off", "False"]) assert.isFalse((yield* of(word)).cluster.insecure, word)
      for (const word of ['"yes"', "'true'", "1", "yES"])
        isPolite(yield* Effect.flip(of(word)), /insecure-skip-tls-verify is not true or false$/)
    })
  )

  it.effect("relative paths are relative to their own file; a bare command is left to $PATH", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      mkdirSync(join(dir, "sub"))
      const user = (command: string) => ({
        "client-certificate": "me.crt",
        "client-key": "/abs/me.key",
        tokenFile: "../token",
        exec: { apiVersion: "client.authentication.k8s.io/v1", command }
      })
      const file = write(join(dir, "sub"), "f", {
        ...kubeconfig("https://x", user("./bin/login"), { "certificate-authority": "ca.crt" })
      })
      const found = yield* access({ kubeconfig: file })
      assert.deepEqual(found.cluster.authority, { _tag: "File", path: join(dir, "sub", "ca.crt") })
      assert.deepEqual(found.user.certificate, { _tag: "File", path: join(dir, "sub", "me.crt") })
      assert.deepEqual(found.user.key, { _tag: "File", path: "/abs/me.key" })
      assert.strictEqual(found.user.tokenFile, join(dir, "token"))
      assert.strictEqual(found.user.exec?.command, join(dir, "sub", "bin", "login"))
      const bare = write(dir, "bare", kubeconfig("https://x", user("aws")))
      assert.strictEqual((yield* access({ kubeconfig: bare })).user.exec?.command, "aws")
    })
  )

  it.effect("without $KUBECONFIG the file in the home folder is read", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      mkdirSync(join(dir, ".kube"))
      write(join(dir, ".kube"), "config", kubeconfig("https://home"))
      assert.strictEqual((yield* access({ environment: { HOME: dir } })).cluster.server, "https://home")
    })
  )

  it.effect("YAML and JSON are the same to it, and data in the file wins over a path", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const text = [
        "apiVersion: v1",
        "current-context: x",
        "clusters:",
        "- name: c",
        "  cluster: {server: 'https://y', certificate-authority: f, certificate-authority-data: Zm9v}",
        "contexts:",
        "- {name: x, context: {cluster: c}}"
      ].join("\n")
      const found = yield* access({ kubeconfig: write(dir, "f", text) })
      assert.deepEqual(found.cluster.authority, { _tag: "Data", base64: "Zm9v" })
      assert.strictEqual(found.namespace, "default")
      assert.isNull(found.userName)
    })
  )
})

describe("flags override", () => {
  const three = {
    ...kubeconfig("https://one"),
    clusters: [cluster("test", "https://one"), cluster("two", "https://two")],
    users: [
      { name: "me", user: { token: "a" } },
      { name: "you", user: { token: "b", as: "root", "as-groups": ["g"] } }
    ],
    contexts: [context("test", "test"), { name: "other", context: { cluster: "two", user: "you" } }]
  }

  it.effect("context, cluster, user and namespace each on their own", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const kubeconfig = write(dir, "f", three)
      const other = yield* access({ kubeconfig, context: "other", namespace: "ns" })
      assert.deepEqual([other.cluster.server, other.user.token, other.namespace], ["https://two", "b", "ns"])
      const mixed = yield* access({ kubeconfig, cluster: "two" })
      assert.deepEqual([mixed.cluster.server, mixed.user.token], ["https://two", "a"])
      assert.strictEqual((yield* access({ kubeconfig, user: "you" })).user.token, "b")
    })
  )

  it.effect("impersonation of the kubeconfig is replaced by --as and --as-group", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const kubeconfig = write(dir, "f", three)
      const own = yield* access({ kubeconfig, user: "you" })
      assert.deepEqual(own.user.impersonate, { user: "root", uid: null, groups: ["g"], extra: [] })
      const flag = yield* access({ kubeconfig, user: "you", as: "jane", asGroups: ["dev", "ops"] })
      assert.deepEqual(flag.user.impersonate, {
        user: "jane",
        uid: null,
        groups: ["dev", "ops"],
        extra: []
      })
      isPolite(yield* refused({ kubeconfig, asGroups: ["x"] }), /needs a user/)
    })
  )
})

describe("a faulty kubeconfig is told in one line, before any server is asked", () => {
  const faults: ReadonlyArray<readonly [string, unknown, Options, RegExp]> = [
    [
      "a context that is not there",
      kubeconfig("https://x"),
      { context: "nope" },
      /^context "nope" does not exist$/
    ],
    [
      "a current-context that is not there",
      { ...kubeconfig("https://x"), "current-context": "gone" },
      {},
      /^context "gone" does not exist$/
    ],
    [
      "a context whose name has a line break",
      kubeconfig("https://x"),
      { context: "a\nb\u001b[2J" },
      /^context "a b \[2J" does not exist$/
    ],
    ["no current-context", { ...kubeconfig("https://x"), "current-context": "" }, {}, /^no context is set$/],
    [
      "a cluster that is not there",
      kubeconfig("https://x"),
      { cluster: "c" },
      /^cluster "c" does not exist$/
    ],
    ["a user that is not there", kubeconfig("https://x"), { user: "u" }, /^user "u" does not exist$/],
    ["a cluster without a server", kubeconfig(""), {}, /^cluster "test" has no server$/],
    ["YAML garbage", "users: [canary\n  {{", {}, /^error loading config file ".*": not YAML: line \d+/],
    ["a text instead of a mapping", '"s3cr3t canary"', {}, /is not a kubeconfig$/],
    ["an empty file", "", {}, /^the kubeconfig is empty$/],
    [
      "a token that is a number",
      { ...kubeconfig("https://x", { token: 12345 }) },
      {},
      /^kubeconfig: user me\.token is not a text$/
    ],
    [
      "a list where a mapping belongs",
      { ...kubeconfig("https://x"), users: [{ name: "me", user: ["canary"] }] },
      {},
      /users me\.user is not a mapping$/
    ],
    [
      "an authority together with insecure-skip-tls-verify",
      kubeconfig("https://x", {}, { "insecure-skip-tls-verify": true, "certificate-authority": "f" }),
      {},
      /is not allowed$/
    ],
    [
      "a certificate without its key",
      kubeconfig("https://x", { "client-certificate-data": "canary" }),
      {},
      /has no client-key$/
    ],
    ["an exec plugin without a command", kubeconfig("https://x", { exec: {} }), {}, /names no command$/]
  ]
  for (const [what, content, options, message] of faults) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const dir = yield* folder
        const file = write(dir, "f", content)
        isPolite(yield* refused({ environment: {}, kubeconfig: file, ...options }), message)
      })
    )
  }

  it.effect("none at all, and a named one that is missing", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      isPolite(yield* refused({ environment: { HOME: dir } }), /^no kubeconfig found$/)
      isPolite(yield* refused({ kubeconfig: join(dir, "gone") }), /no such file or directory$/)
      isPolite(yield* refused({ kubeconfig: dir }), /cannot be read: EISDIR$/)
    })
  )

  it.effect("none for a user who has no home", () =>
    Effect.gen(function* () {
      const { homedir } = os
      os.homedir = () => {
        throw new Error("uv_os_homedir returned ENOENT")
      }
      syncBuiltinESMExports()
      const error = yield* refused({ environment: {} })
      os.homedir = homedir
      syncBuiltinESMExports()
      isPolite(error, /^no kubeconfig found$/)
    })
  )

  it.effect("files of $KUBECONFIG that do not exist are named, and a ~ that no shell has expanded", () =>
    Effect.gen(function* () {
      const [a, b] = ["/nowhere/a", "/nowhere/b"]
      const one = yield* refused({ environment: { KUBECONFIG: a } })
      isPolite(one, /^no kubeconfig found: \$KUBECONFIG names \/nowhere\/a, which does not exist$/)
      const two = yield* refused({ environment: { KUBECONFIG: `${a}:${b}` } })
      isPolite(two, /names \/nowhere\/a and \/nowhere\/b, which do not exist$/)
      for (const error of [one, two]) assert.notInclude(error.action ?? "", "~")
      const quoted = yield* refused({ environment: { KUBECONFIG: `${a}:~/.kube/config` } })
      const typed = yield* refused({ kubeconfig: "~/.kube/config", environment: {} })
      for (const { action } of [quoted, typed]) assert.match(action ?? "", /\$HOME in place of ~/)
    })
  )
})

describe("inside a cluster", () => {
  it.effect("the ServiceAccount is used when no kubeconfig found, and its namespace is the default", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      write(dir, "token", "secret")
      write(dir, "namespace", "shop\n")
      const environment = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" }
      const found = yield* inCluster({ environment }, dir)
      assert.strictEqual(found?.cluster.server, "https://[fd00::1]:443")
      assert.strictEqual(found?.namespace, "shop")
      assert.strictEqual(found?.user.tokenFile, join(dir, "token"))
      assert.strictEqual((yield* inCluster({ environment, namespace: "n" }, dir))?.namespace, "n")
      assert.isNull(yield* inCluster({ environment: {} }, dir))
      assert.isNull(yield* inCluster({ environment }, join(dir, "gone")))
    })
  )

  it.effect("is reached as the flags say, and is no other cluster that they name", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      write(dir, "token", "secret")
      const environment = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" }
      const other = yield* inCluster({ environment, token: "canary", certificateAuthority: "/ca.pem" }, dir)
      assert.deepInclude(other?.user, { token: "canary", tokenFile: null })
      assert.deepEqual(other?.cluster.authority, { _tag: "File", path: "/ca.pem" })
      const basic = yield* inCluster({ environment, username: "ann", password: "canary" }, dir)
      assert.deepInclude(basic?.user, { tokenFile: null, basic: { username: "ann", password: "canary" } })
      const deputy = yield* inCluster({ environment, as: "ann" }, dir)
      assert.strictEqual(deputy?.user.impersonate?.user, "ann")
      for (const name of ["context", "cluster", "user"] as const) {
        isPolite(
          yield* Effect.flip(inCluster({ environment, [name]: "prod" }, dir)),
          new RegExp(`^${name} "prod" does not exist`)
        )
      }
    })
  )
})

describe("kubectl's connection flags", () => {
  it.effect("a server and a token need no kubeconfig, and no file is asked for", () =>
    Effect.gen(function* () {
      const found = yield* access({
        environment: { KUBECONFIG: "/nowhere/config" },
        server: "https://api.example:6443",
        token: "canary",
        namespace: "shop"
      })
      assert.deepInclude(found, { context: null, clusterName: null, userName: null, namespace: "shop" })
      assert.strictEqual(found.cluster.server, "https://api.example:6443")
      assert.isTrue(found.cluster.compression)
      assert.strictEqual(found.user.token, "canary")
    })
  )

  it.effect("each replaces what the kubeconfig says of the same, and nothing else", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const file = write(dir, "config", {
        "current-context": "x",
        clusters: [
          {
            name: "c",
            cluster: {
              server: "https://first",
              "certificate-authority-data": "QQ==",
              "tls-server-name": "first",
              "proxy-url": "http://proxy"
            }
          }
        ],
        contexts: [{ name: "x", context: { cluster: "c", user: "me", namespace: "shop" } }],
        users: [{ name: "me", user: { exec: { command: "login" }, as: "ann" } }]
      })
      const options = { environment: {}, kubeconfig: file }
      const elsewhere = yield* access({ ...options, server: "https://second" })
      assert.deepInclude(elsewhere.cluster, {
        server: "https://second",
        // It is the name of the first.
        serverName: null,
        authority: { _tag: "Data", base64: "QQ==" },
        proxyUrl: "http://proxy"
      })
      assert.strictEqual(elsewhere.namespace, "shop")
      assert.strictEqual(elsewhere.user.exec?.command, "login")
      const insecure = yield* access({ ...options, insecureSkipTlsVerify: true, disableCompression: true })
      assert.deepInclude(insecure.cluster, {
        authority: null,
        insecure: true,
        serverName: "first",
        compression: false
      })
      const trusting = yield* access({ ...options, certificateAuthority: "ca.pem", tlsServerName: "other" })
      assert.deepInclude(trusting.cluster, {
        authority: { _tag: "File", path: join(process.cwd(), "ca.pem") },
        serverName: "other"
      })
      const token = yield* access({ ...options, token: "canary", asUserExtra: { team: ["a", "b"] } })
      assert.deepInclude(token.user, { token: "canary", exec: null })
      assert.deepEqual(token.user.impersonate?.extra, [["team", ["a", "b"]]])
      assert.strictEqual(token.user.impersonate?.user, "ann")
      const basic = yield* access({ ...options, username: "ann", password: "canary" })
      assert.deepInclude(basic.user, { exec: null, basic: { username: "ann", password: "canary" } })
      const certificate = yield* access({ ...options, clientCertificate: "me.pem", clientKey: "/k/me.key" })
      assert.deepInclude(certificate.user, {
        exec: null,
        certificate: { _tag: "File", path: join(process.cwd(), "me.pem") },
        key: { _tag: "File", path: "/k/me.key" }
      })
    })
  )

  it.effect("what a kubeconfig shows its server over TLS goes to no other server in clear text", () =>
    Effect.gen(function* () {
      const users = [
        { token: "canary" },
        { tokenFile: "canary" },
        { username: "me", password: "canary" },
        { exec: { command: "canary" } },
        { "auth-provider": { name: "oidc", config: {} } }
      ]
      for (const user of users) {
        const config = kubeconfig("https://first", { ...user, as: "ann" })
        const dir = yield* folder
        const options = { environment: {}, kubeconfig: write(dir, "config", config) }
        const there = yield* access(options)
        for (const server of ["http://second:80", "second:80"]) {
          const found = yield* access({ ...options, server })
          assert.strictEqual(found.cluster.server, "http://second:80")
          assert.deepInclude(found.user, {
            token: null,
            tokenFile: null,
            basic: null,
            exec: null,
            authProvider: null
          })
          assert.strictEqual(found.user.impersonate?.user, "ann")
        }
        const secure = yield* access({ ...options, server: "https://second" })
        assert.deepEqual(secure.user, there.user)
        // Where TLS is set up, a bare address is one of TLS.
        const bare = yield* access({ ...options, server: "second:443", certificateAuthority: "/ca.pem" })
        assert.strictEqual(bare.cluster.server, "https://second:443")
        assert.deepEqual(bare.user, there.user)
      }
    })
  )

  it.effect("a password in the server's address is in no name of the cluster", () =>
    Effect.gen(function* () {
      const insecure = { "insecure-skip-tls-verify": true }
      for (const own of ["https://me:canary@api:6443/base", "https://me:c@nary@api:6443/base"]) {
        const dir = yield* folder
        const made = live(dir, kubeconfig(own, {}, insecure))
        const { origin } = yield* Effect.provide(Cluster, made)
        assert.strictEqual(origin.server, "https://api:6443/base")
      }
    })
  )

  it.effect("what contradicts itself is refused in one line", () =>
    Effect.gen(function* () {
      const options = { environment: { KUBECONFIG: "/nowhere" }, server: "https://api" }
      isPolite(yield* refused({ ...options, token: "canary", username: "ann" }), /token cannot be combined/)
      isPolite(yield* refused({ ...options, password: "canary" }), /needs a user name/)
      isPolite(yield* refused({ ...options, clientKey: "k" }), /has no client-certificate/)
      isPolite(
        yield* refused({ ...options, certificateAuthority: "ca", insecureSkipTlsVerify: true }),
        /together with insecure-skip-tls-verify/
      )
    })
  )
})
