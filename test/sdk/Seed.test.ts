/** The pod in which a member's data is saved and made, and what etcd's scripts do there, with stand-ins for its programs. */
import { execFileSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import type { StatefulSet } from "../../packages/sdk/src/kind/Workload.ts"
import { etcd } from "../../packages/sdk/src/profile/etcd.ts"
import { filledIn, seedOf } from "../../packages/sdk/src/Seed.ts"
import { seedPod } from "../../packages/sdk/src/step/seedPod.ts"

const field = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } })
const secret = { valueFrom: { secretKeyRef: { name: "db-pass", key: "root" } } }

// oxlint-disable-next-line typescript/no-explicit-any -- a StatefulSet as it comes, with fields that no schema names
const set: any = {
  metadata: { name: "db", namespace: "shop" },
  spec: {
    selector: { matchLabels: { app: "db" } },
    volumeClaimTemplates: [{ metadata: { name: "data" }, spec: {} }],
    template: {
      metadata: { labels: { app: "db", tier: "one" } },
      spec: {
        serviceAccountName: "db",
        hostNetwork: true,
        containers: [
          {
            name: "etcd",
            image: "etcd:1",
            command: ["etcd"],
            args: ["--name=$(POD_NAME)"],
            ports: [{ containerPort: 2379 }],
            env: [
              { name: "POD_NAME", ...field("metadata.name") },
              { name: "INDEX", ...field("metadata.labels['apps.kubernetes.io/pod-index']") },
              { name: "TIER", ...field("metadata.labels['tier']") },
              { name: "SPACE", ...field("metadata.namespace") },
              { name: "ETCD_ROOT_PASSWORD", ...secret }
            ],
            resources: { limits: { memory: "2Gi" } },
            volumeMounts: [
              { name: "data", mountPath: "/var/lib/etcd", subPath: "etcd" },
              { name: "tls", mountPath: "/tls" }
            ]
          }
        ]
      }
    }
  }
}

describe("the pod that makes a member", () => {
  // oxlint-disable-next-line typescript/no-explicit-any -- as it is sent
  const pod: any = seedPod(set satisfies StatefulSet, {
    which: 2,
    ordinal: 2,
    id: "0badcafe",
    claim: { template: "data", claim: "data-db-2-new-0badcafe" },
    argv: ["sh", "-c", "script", "{pod}", "{ordinal}", "{operation}", "{members}", "{volume}", "{args}"],
    members: 3
  })
  const [container] = pod.spec.containers

  it("knows names as the member does, and a Secret's value by its reference alone", () => {
    assert.deepEqual(container.env, [
      { name: "POD_NAME", value: "db-2" },
      { name: "INDEX", value: "2" },
      { name: "TIER", value: "one" },
      { name: "SPACE", ...field("metadata.namespace") },
      { name: "ETCD_ROOT_PASSWORD", ...secret }
    ])
    assert.strictEqual(pod.spec.hostname, "db-2")
    const words = ["sh", "-c", "script", "db-2", "2", "0badcafe", "3", "/var/lib/etcd"]
    assert.deepEqual(container.command, [...words, "etcd", "--name=$(POD_NAME)"])
    assert.notProperty(container, "args")
  })

  it("has its one volume where the application has it, and no network to find anybody with", () => {
    assert.deepEqual(container.volumeMounts, [
      { name: "data", mountPath: "/var/lib/etcd", subPath: "etcd", readOnly: false }
    ])
    assert.lengthOf(pod.spec.volumes, 1)
    assert.deepEqual([pod.spec.dnsPolicy, pod.spec.dnsConfig], ["None", { nameservers: ["127.0.0.1"] }])
    for (const word of ["hostNetwork", "containerPort", '"app"']) assert.notInclude(JSON.stringify(pod), word)
    assert.isFalse(pod.spec.automountServiceAccountToken)
    assert.deepEqual(container.resources.limits, { memory: "2Gi" })
  })
})

describe("etcd's scripts", () => {
  const folder = mkdtempSync(join(tmpdir(), "seed-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const bin = join(folder, "bin")
  mkdirSync(bin)
  const program = (name: string, script: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(bin, name), 0o755)
  }
  // What each was told stands beside the volume, in a file of its name.
  const note = (name: string) =>
    `{ echo "$@"; env; } >${folder}/half-${name}; mv ${folder}/half-${name} ${folder}/${name}`
  program("etcd", `${note("etcd")}; trap 'exit 0' TERM; while :; do sleep 0.05; done`)
  program(
    "etcdctl",
    `for last; do :; done; case "$*" in *health*) [ -e ${folder}/etcd ];; *"snapshot save"*) ${note("etcdctl")}; echo all >"$last";; esac`
  )
  program(
    "etcdutl",
    `${note("etcdutl")}; cat "$3" >/dev/null || exit 1; mkdir -p "$5/member/snap"; echo made >"$5/member/snap/db"`
  )
  const { save, restore } = seedOf("etcd", etcd.seed ?? assert.fail("no section seed"))
  const volume = (name: string) => {
    const path = join(folder, name)
    mkdirSync(join(path, "data/member/snap"), { recursive: true })
    writeFileSync(join(path, "data/member/snap/db"), "old")
    return path
  }
  const cluster = "db-0=https://db-0.db:2380,db-1=https://db-1.db:2380"
  const run = (
    argv: ReadonlyArray<string>,
    path: string,
    args: ReadonlyArray<string>,
    env: Readonly<Record<string, string>> = {}
  ): readonly [number, string] => {
    const words = { volume: path, operation: "0badcafe", members: 2, pod: "db-1", ordinal: 1, args }
    const [program = "", ...rest] = filledIn(argv, words)
    try {
      const own = { PATH: `${bin}:${process.env["PATH"]}`, ETCD_DATA_DIR: `${path}/data`, ...env }
      execFileSync(program, rest, { encoding: "utf8", env: own, stdio: ["ignore", "pipe", "pipe"] })
      return [0, ""]
    } catch (error) {
      const { status, stderr } = error as { readonly status: number; readonly stderr: string }
      return [status, stderr.trim()]
    }
  }
  const told = (name: string) => readFileSync(join(folder, name), "utf8")
  const server = ["etcd", "--name=db-1", "--initial-advertise-peer-urls", "https://db-1.db:2380"]
  const members = { ETCD_INITIAL_CLUSTER: cluster, ETCD_INITIAL_CLUSTER_TOKEN: "shop" }

  it("open a copy on the loopback alone, behind a proxy that refuses, and save it once", () => {
    const path = volume("copy")
    const env = { ...members, ETCD_LISTEN_METRICS_URLS: "http://0.0.0.0:1", NO_PROXY: "*", no_proxy: "*" }
    assert.deepEqual(run(save, path, server, env), [0, ""])
    const etcdSaw = told("etcd")
    const [words = "", ...variables] = etcdSaw.split("\n")
    assert.include(words, "--force-new-cluster")
    assert.notMatch(words, /0\.0\.0\.0|db-1/)
    for (const [url] of words.matchAll(/https?:\S+/g)) assert.match(url, /^http:\/\/127\.0\.0\.1:/)
    assert.includeMembers(variables, ["HTTP_PROXY=http://127.0.0.1:9", "HTTPS_PROXY=http://127.0.0.1:9"])
    assert.notMatch(variables.join("\n"), /^(ETCD_|NO_PROXY|no_proxy)/m)
    assert.isFalse(existsSync(join(path, "data/member")), "the copy's own data is gone, and its log with it")
    rmSync(join(folder, "etcd"))
    assert.deepEqual(run(save, path, server, env), [0, ""])
    assert.isFalse(existsSync(join(folder, "etcd")), "it is not opened twice")
  })

  it("make a member under its own name, in a cluster of this operation, and find it made", () => {
    const path = volume("member")
    assert.deepEqual(run(save, path, server, members), [0, ""])
    assert.deepEqual(run(restore, path, server, members), [0, ""])
    const [words = ""] = told("etcdutl").split("\n")
    for (const word of [
      "--name db-1",
      `--initial-cluster ${cluster}`,
      "--initial-cluster-token 0badcafe",
      "--initial-advertise-peer-urls https://db-1.db:2380",
      "--bump-revision 1000000000",
      "--mark-compacted"
    ])
      assert.include(words, word)
    assert.strictEqual(readFileSync(join(path, "data/member/snap/db"), "utf8"), "made\n")
    assert.isFalse(existsSync(join(path, ".kubectl-stateful")))
    rmSync(join(folder, "etcdutl"))
    assert.deepEqual(run(restore, path, server, members), [0, ""])
    assert.isFalse(existsSync(join(folder, "etcdutl")))
  })

  it("read what a start script says, fill in variables, and run nothing of it", () => {
    const path = volume("script")
    const start = `touch ${folder}/ran; exec etcd --name "$(hostname)" --initial-advertise-peer-urls=https://\${HOSTNAME}.db:2380`
    const env = { ...members, HOSTNAME: "db-0" }
    run(save, path, ["sh", "-c", start], env)
    assert.deepEqual(run(restore, path, ["sh", "-c", start], env), [0, ""])
    assert.include(told("etcdutl"), "--name db-0 ")
    assert.include(told("etcdutl"), "--initial-advertise-peer-urls https://db-0.db:2380")
    assert.isFalse(existsSync(join(folder, "ran")))
    const [code, said] = run(restore, volume("unknown"), ["sh", "-c", "exec etcd --data-dir $(mktemp)"], env)
    assert.isAbove(code, 0)
    assert.match(said, /--data-dir is only known to the shell that starts etcd/)
  })

  it("refuse another count of members, a stranger, what is not there, and a folder of another volume", () => {
    const cases = [
      [{ ETCD_INITIAL_CLUSTER: "db-1=https://db-1.db:2380" }, /has 1 members, and 2 are restored/],
      [{ ETCD_INITIAL_CLUSTER: "db-7=x,db-8=y" }, /db-1 is no member of its --initial-cluster/],
      [{}, /no --initial-cluster among its arguments, and no ETCD_INITIAL_CLUSTER/],
      [{ ...members, ETCD_DATA_DIR: "/elsewhere" }, /\/elsewhere is not on the volume/]
    ] as const
    for (const [index, [env, words]] of cases.entries()) {
      const path = volume(`bad-${index}`)
      run(save, path, server, members)
      const [code, said] = run(restore, path, server, env)
      assert.strictEqual(code, 4, said)
      assert.match(said, words)
    }
  })

  it("have no probe that takes what it does not know for a member that is out", () => {
    const [program = "", ...rest] = etcd.scale?.probe?.command ?? []
    const env = { PATH: process.env["PATH"] ?? "" }
    let code = 0
    try {
      execFileSync(program, rest, { env, stdio: "ignore" })
    } catch (error) {
      code = (error as { readonly status: number }).status
    }
    assert.strictEqual(code, 4)
  })
})
