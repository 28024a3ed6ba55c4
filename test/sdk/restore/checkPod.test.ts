import { execFileSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import type { StatefulSet } from "../../../packages/sdk/src/kind/Workload.ts"
import { isEmpty, isUnreadable, checkPod, script } from "../../../packages/sdk/src/step/checkPod.ts"
import { proverLabel } from "../../../packages/sdk/src/Labels.ts"

const anti = (labels: object) => ({
  topologyKey: "kubernetes.io/hostname",
  labelSelector: { matchLabels: labels }
})

// oxlint-disable-next-line typescript/no-explicit-any -- a StatefulSet as it comes, with fields that no schema names
const set: any = {
  metadata: { name: "db", namespace: "shop" },
  spec: {
    selector: { matchLabels: { app: "db" } },
    volumeClaimTemplates: [
      { metadata: { name: "data" }, spec: {} },
      { metadata: { name: "raw" }, spec: { volumeMode: "Block" } }
    ],
    template: {
      metadata: { labels: { app: "db" } },
      spec: {
        serviceAccountName: "db",
        nodeSelector: { disk: "fast" },
        tolerations: [{ key: "db" }],
        securityContext: { runAsUser: 999, fsGroup: 999 },
        affinity: {
          nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] },
          podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [anti({ app: "cache" })] },
          podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [anti({ app: "db" })] }
        },
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: {} }
        ],
        volumes: [{ name: "config", secret: { secretName: "db-pass" } }],
        containers: [
          { name: "proxy", image: "proxy:1" },
          {
            name: "db",
            image: "db:1",
            imagePullPolicy: "Always",
            args: ["serve"],
            env: [{ name: "PASSWORD", value: "x" }],
            ports: [{ containerPort: 1 }],
            securityContext: { readOnlyRootFilesystem: true },
            volumeMounts: [{ name: "data", mountPath: "/var/lib/db", subPath: "db" }]
          }
        ]
      }
    }
  }
}

// oxlint-disable-next-line typescript/no-explicit-any -- as it is sent
const pod: any = checkPod(set satisfies StatefulSet, 1, "0badcafe", [
  { template: "data", claim: "data-db-1-new-0badcafe" },
  { template: "raw", claim: "raw-db-1-new-0badcafe" }
])

describe("the pod that proves a volume", () => {
  it("has none of the application's labels, no token, no port, no variable, no Secret, and an end", () => {
    assert.notProperty(pod.metadata.labels, "app")
    const text = JSON.stringify(pod)
    for (const word of ["PASSWORD", "db-pass", "containerPort", 'serve"']) assert.notInclude(text, word)
    const { automountServiceAccountToken, enableServiceLinks, restartPolicy, activeDeadlineSeconds } =
      pod.spec
    assert.deepEqual(
      { automountServiceAccountToken, enableServiceLinks, restartPolicy },
      { automountServiceAccountToken: false, enableServiceLinks: false, restartPolicy: "Never" }
    )
    assert.isAbove(activeDeadlineSeconds, 0)
  })

  it("has the application's account, by which its image is pulled and its user allowed, and no token of it", () => {
    assert.deepInclude(pod.spec, { serviceAccountName: "db", automountServiceAccountToken: false })
  })

  it("runs the image of the container that has the volumes, as its user, with a command of its own", () => {
    const [container, ...others] = pod.spec.containers
    assert.isEmpty(others)
    assert.strictEqual(container.image, "db:1")
    assert.deepEqual(container.securityContext, { readOnlyRootFilesystem: true })
    assert.deepEqual(pod.spec.securityContext, { runAsUser: 999, fsGroup: 999 })
    assert.deepEqual(container.command.slice(-2), ["/prove/data", "/prove/raw"])
    const lax = checkPod(
      {
        ...set,
        spec: {
          ...set.spec,
          template: {
            ...set.spec.template,
            spec: { ...set.spec.template.spec, initContainers: [{ volumeMounts: [{ name: "data" }] }] }
          }
        }
      },
      1,
      "0badcafe",
      [{ template: "data", claim: "data-db-1-new-0badcafe" }]
    )
    // An init container may give the volume its owner.
    assert.include(JSON.stringify(lax), '"ro:/prove/data"')
    assert.deepEqual(container.volumeMounts, [{ name: "data", mountPath: "/prove/data" }])
    assert.deepEqual(container.volumeDevices, [{ name: "raw", devicePath: "/prove/raw" }])
  })

  it("runs a profile's command beside it, as argv, and gives that no more than the volumes", () => {
    const verify = ["pg_verify", "/prove/data", "$(id)"]
    // oxlint-disable-next-line typescript/no-explicit-any -- as it is sent
    const both: any = checkPod(set, 1, "0badcafe", [{ template: "data", claim: "c" }], { verify })
    const [first, second, ...others] = both.spec.containers
    assert.isEmpty(others)
    assert.deepEqual({ ...second, name: first.name, command: first.command }, first)
    assert.deepEqual(second.command, verify)
  })

  it("goes where the application may go, and keeps away from check pods alone", () => {
    assert.deepEqual(pod.spec.nodeSelector, { disk: "fast" })
    assert.deepEqual(pod.spec.tolerations, [{ key: "db" }])
    assert.deepEqual(Object.keys(pod.spec.affinity).toSorted(), ["nodeAffinity", "podAntiAffinity"])
    const mine = { matchLabels: { [proverLabel]: "0badcafe" } }
    const [term] = pod.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution
    assert.deepEqual(term.labelSelector, mine)
    assert.deepEqual(pod.spec.topologySpreadConstraints[0].labelSelector, mine)
  })
})

describe("its check of a volume", () => {
  const folder = mkdtempSync(join(tmpdir(), "prove-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const volume = (name: string, fill: (path: string) => void): string => {
    const path = join(folder, name)
    mkdirSync(path)
    fill(path)
    return path
  }
  const check = (...paths: ReadonlyArray<string>): readonly [number, string] => {
    try {
      return [0, execFileSync("sh", ["-c", script, "prove", ...paths], { encoding: "utf8" })]
    } catch (error) {
      const { status, stdout } = error as { readonly status: number; readonly stdout: string }
      return [status, stdout.trim()]
    }
  }
  const file = volume("file", (path) => writeFileSync(join(path, "a b"), ""))
  const hidden = volume("hidden", (path) => writeFileSync(join(path, ".pgpass"), ""))
  const dangling = volume("dangling", (path) => symlinkSync("/nowhere", join(path, "link")))
  const bare = volume("bare", () => {})
  const fresh = volume("fresh", (path) => mkdirSync(join(path, "lost+found")))

  it("takes a file of any name, a hidden one, and a link to nowhere for content", () => {
    assert.deepEqual(check(file, hidden, dangling), [0, ""])
  })

  it("names a volume that is empty but for what its file system made", () => {
    assert.deepEqual(check(file, bare), [isEmpty, "volume bare is empty"])
    assert.deepEqual(check(fresh), [isEmpty, "volume fresh is empty"])
  })

  it.runIf(process.getuid?.() !== 0)("names one that its user cannot read", () => {
    const closed = volume("closed", (path) => chmodSync(path, 0))
    assert.strictEqual(check(closed)[0], isUnreadable)
  })

  it.runIf(process.getuid?.() !== 0)(
    "names one whose owner or mode keeps its user out, or from writing",
    () => {
      const sealed = volume("sealed", (path) => {
        mkdirSync(join(path, "pgdata"))
        chmodSync(join(path, "pgdata"), 0)
      })
      assert.match(check(sealed)[1], /^nothing on volume sealed can be read by user \d+$/)
      const frozen = volume("frozen", (path) => {
        writeFileSync(join(path, "a"), "")
        chmodSync(join(path, "a"), 0o444)
        chmodSync(path, 0o555)
      })
      assert.match(check(frozen)[1], /^nothing on volume frozen can be written by user \d+$/)
      assert.deepEqual(check(`ro:${frozen}`), [0, ""])
    }
  )

  it("names one that is not there", () => {
    assert.strictEqual(check(join(folder, "none"))[0], isUnreadable)
  })
})
