/** A freeze by requests through the API server's pod proxy, which nothing in the pods ends: on real servers without a shell's help. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { hasParts, kubectl, namespace } from "./suite/commands.ts"
import { remains, removeCuts } from "./suite/cuts.ts"
import { assertOver, isOpen, operations } from "./suite/operation.ts"
import { bundled } from "./suite/plugin.ts"

const plugin = bundled()
const space = namespace("profiles-proxy").name
const n = ["-n", space]
const folder = mkdtempSync(join(tmpdir(), "profiles-"))
const file = join(folder, "calls.yaml")
const url = (name: string) => `http://:8080/cgi-bin/${name}?by={pod}`
writeFileSync(
  file,
  JSON.stringify({
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Profile",
    snapshot: {
      guarantee: "blocks-writes",
      quiesce: { post: url("freeze"), release: url("release"), deadline: "8s" },
      thaw: { post: url("thaw") },
      probe: { get: url("ready") }
    }
  })
)

/** Answers with a status of its own; what it did stands in a log. */
const cgi = (name: string, does: string) =>
  `printf '#!/bin/sh\\necho "${name} $REQUEST_METHOD $QUERY_STRING" >>/data/log\\n${does}\\n' >/tmp/www/cgi-bin/${name}; chmod +x /tmp/www/cgi-bin/${name}`
const says = (status: string) => `printf "Status: ${status}\\\\r\\\\n\\\\r\\\\nsaid by the pod\\\\n"`
const script = [
  "mkdir -p /tmp/www/cgi-bin",
  cgi("freeze", `touch /data/frozen; ${says("200 OK")}`),
  cgi("release", `if rm /data/frozen; then ${says("200 OK")}; else ${says("409 Conflict")}; fi`),
  cgi("thaw", `rm -f /data/frozen; ${says("200 OK")}`),
  cgi("ready", says("200 OK")),
  "exec httpd -f -p 8080 -h /tmp/www"
].join("\n")

const set = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db" },
  spec: {
    replicas: 2,
    serviceName: "db",
    podManagementPolicy: "Parallel",
    selector: { matchLabels: { app: "db" } },
    template: {
      metadata: { labels: { app: "db" } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: "db",
            image: "docker.io/local/busybox:1",
            imagePullPolicy: "Never",
            command: ["sh", "-c", script],
            readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
            volumeMounts: [{ name: "data", mountPath: "/data" }]
          }
        ]
      }
    },
    volumeClaimTemplates: [
      {
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "64Mi" } } }
      }
    ]
  }
}

const pods = ["db-0", "db-1"]
const inPod = (pod: string, words: string) => kubectl(["exec", ...n, pod, "--", "sh", "-c", words])
const frozen = async () =>
  (await Promise.all(pods.map((pod) => inPod(pod, "ls /data")))).map((listed) => listed.includes("frozen"))
const take = (name: string, ...more: ReadonlyArray<string>) =>
  plugin.start([
    "snapshot",
    "db",
    ...n,
    "--name",
    name,
    "--consistency",
    "quiesced",
    "--profile",
    file,
    ...more
  ])
const allowed = "--allow-unbounded-freeze"

describe.runIf(hasParts())("a freeze by requests through the pod proxy", () => {
  beforeAll(async () => {
    await removeCuts([space])
    await kubectl(["delete", "namespace", space, "--ignore-not-found", "--timeout=120s"])
    await kubectl(["create", "namespace", space])
    await kubectl(["apply", ...n, "-f", "-"], JSON.stringify(set))
    await kubectl(["rollout", "status", "sts/db", ...n, "--timeout=120s"])
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true })
    await removeCuts([space])
    await kubectl(["delete", "namespace", space, "--ignore-not-found", "--wait=false"])
  })

  it("is refused until it is allowed, and then quiesced by each server's own word, which is recorded", async () => {
    const refused = await take("db-refused").ended
    assert.equal(refused.code, 1)
    assert.match(refused.err, /by a request: if this process crashes.*--allow-unbounded-freeze/)
    const { code, out, err } = await take("db-asked", allowed).ended
    console.log(out.trim())
    assert.equal(code, 0, err)
    assert.match(
      out,
      /taken: quiesced, 2 claims[^]*frozen by a request: nothing in the pods would have ended that/
    )
    const log = await inPod("db-1", "cat /data/log")
    assert.equal(log, "ready GET by=db-1\nthaw POST by=db-1\nfreeze POST by=db-1\nrelease POST by=db-1\n")
    const { items } = JSON.parse((await plugin.run(["snapshots", ...n, "-o", "json"])).out)
    assert.equal(items[0].quiesced.unbounded, "request")
  })

  it("ends at its deadline by its caller, and not by one that was killed: a thaw and an abort end it", async () => {
    const slow = ["--group-class", "none", "--class", "snap-slow", allowed]
    const first = take("db-killed", ...slow)
    assert.isTrue(await first.says(/waiting for its snapshot/), first.lines().join("\n"))
    first.kill("SIGKILL")
    await first.ended
    await new Promise((resume) => setTimeout(resume, 9000))
    assert.deepEqual(await frozen(), [true, true])
    const thawed = await plugin.run(["thaw", "db", ...n, "--profile", file])
    assert.equal(thawed.out, "pod/db-0 thawed\npod/db-1 thawed\n", thawed.err)
    assert.deepEqual(await frozen(), [false, false])

    const [open] = (await operations(space)).filter(isOpen)
    const without = await plugin.run(["abort", open?.id ?? "", ...n])
    assert.equal(without.code, 1)
    assert.match(without.err, /it is unknown whether db-0, db-1 was thawed: .*kubectl stateful thaw db -n/)
    const left = (await remains(space, "db")).filter((each) => each.includes("killed"))
    assert.deepEqual(left, [])
    await assertOver(space, "db")
  })
})
