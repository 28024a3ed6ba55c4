/** The real kubectl on the served sandbox, verb by verb. It needs the binary that the bed builds, and no cluster. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { start } from "@kubectl-stateful/sandbox/Scenario"
import { kubeconfig, kubeconfigFile } from "@kubectl-stateful/sandbox/Kubeconfig"
import { serve } from "@kubectl-stateful/sandbox/Server"
import { kubectl } from "./suite/kubectl.ts"

const folder = mkdtempSync(join(tmpdir(), "kubectl-on-sandbox-"))
const config = join(folder, "kubeconfig")

interface Ended {
  readonly code: unknown
  readonly out: string
  readonly err: string
}

const environment = { PATH: process.env["PATH"], HOME: folder, KUBECONFIG: config }

const run = async (
  args: ReadonlyArray<string>,
  input?: string,
  more: Readonly<Record<string, string>> = {}
): Promise<Ended> => {
  const child = spawn(kubectl, args, { env: { ...environment, ...more }, timeout: 30_000 })
  let [out, err] = ["", ""]
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
  child.stdin.on("error", () => {}).end(input)
  const [code] = await once(child, "close")
  return { code, out, err }
}

/** Words as typed; none with a space. Fails with what kubectl said. */
const ok = async (command: string, input?: string): Promise<string> => {
  const { code, out, err } = await run(command.split(" "), input)
  assert.strictEqual(code, 0, `kubectl ${command}: ${err}`)
  return out
}

const refused = async (command: string): Promise<string> => {
  const { code, err } = await run(command.split(" "))
  assert.notStrictEqual(code, 0, `kubectl ${command}`)
  return err
}

const scope = Scope.makeUnsafe()

beforeAll(async () => {
  const up = Effect.gen(function* () {
    const sandbox = yield* start("ledger")
    const served = yield* serve(sandbox)
    yield* kubeconfigFile(yield* kubeconfig(served, "shop"), config)
  })
  await Effect.runPromise(Effect.provideService(up, Scope.Scope, scope))
})

afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  rmSync(folder, { recursive: true })
})

describe("kubectl on the sandbox", () => {
  it("version: the server names one", async () => {
    assert.match(await ok("version"), /Server Version: v1\.\d+\.\d+/)
  })

  it("get: the server's own columns, and more with -o wide", async () => {
    assert.match(await ok("get statefulsets"), /^NAME +READY +AGE\nledger +3\/3 +\d+s\nweb +2\/2 +\d+s\n$/)
    assert.match(
      await ok("get pods -o wide"),
      /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE .*\nledger-0 +1\/1 +Running +0 .*node-/
    )
    assert.match(await ok("get sts,pvc"), /^persistentvolumeclaim\/data-ledger-0 +Bound/m)
    assert.match(await ok("get nodes"), /^node-a1 +Ready/m)
    assert.match(await ok("get all -A"), /^shop +pod\/ledger-0/m)
  })

  it("get -o json|yaml|name|jsonpath: the objects as they are", async () => {
    const list: unknown = JSON.parse(await ok("get pods -o json"))
    assert.nestedPropertyVal(list, "items[0].metadata.name", "ledger-0")
    assert.match(await ok("get sts ledger -o yaml"), /^kind: StatefulSet$/m)
    assert.strictEqual(await ok("get sts -o name"), "statefulset.apps/ledger\nstatefulset.apps/web\n")
    assert.strictEqual(await ok("get sts ledger -o jsonpath={.spec.replicas}"), "3")
  })

  it("get -l and --field-selector: only what is selected", async () => {
    assert.strictEqual(await ok("get pods -l app.kubernetes.io/name=web -o name"), "pod/web-0\npod/web-1\n")
    assert.strictEqual(await ok("get pods --field-selector metadata.name=web-1 -o name"), "pod/web-1\n")
  })

  it("get --chunk-size: pages make up the whole", async () => {
    assert.strictEqual((await ok("get pods --chunk-size 2 -o name")).split("\n").length, 6)
  })

  it("get of what is not there: the server's words", async () => {
    assert.strictEqual(
      await refused("get sts nothing"),
      'Error from server (NotFound): statefulsets.apps "nothing" not found\n'
    )
  })

  it("get -w: changes as rows, under one header", async () => {
    const args = ["get", "sts", "web", "-w", "-o", "wide"]
    const child = spawn(kubectl, args, { env: environment })
    let out = ""
    const seen = (pattern: RegExp) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (pattern.test(out)) resolve()
        }
        child.stdout.on("data", look)
        look()
      })
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    await seen(/^web +2\/2/m)
    await ok("scale sts web --replicas 3")
    await seen(/^web +3\/3/m)
    child.kill()
    assert.lengthOf([...out.matchAll(/^NAME/gm)], 1)
    assert.match(out, /^web +2\/3 /m)
    await ok("scale sts web --replicas 2")
  })

  it("describe: a workload, a pod and a node", async () => {
    assert.match(await ok("describe sts ledger"), /^Replicas: +3 desired \| 3 total$/m)
    assert.match(await ok("describe pod ledger-0"), /^Controlled By: +StatefulSet\/ledger$/m)
    assert.match(await ok("describe node node-a1"), /^Labels:.*\n.*kubernetes\.io\/hostname=node-a1/m)
    assert.match(await ok("describe pvc data-ledger-0"), /^Status: +Bound$/m)
  })

  it("scale: with and without the count that it should have", async () => {
    assert.match(
      await refused("scale sts ledger --replicas 4 --current-replicas 7"),
      /Expected replicas to be 7, was 3/
    )
    assert.strictEqual(await ok("scale sts ledger --replicas 4"), "statefulset.apps/ledger scaled\n")
    assert.match(
      await ok("rollout status sts ledger --timeout 120s"),
      /complete: 4 new pods|4 pods at revision/
    )
    assert.strictEqual(await ok("scale sts ledger --replicas 3"), "statefulset.apps/ledger scaled\n")
    await ok("wait pod/ledger-3 --for=delete --timeout=120s")
  })

  it("patch: strategic, merge and JSON", async () => {
    const patched = "statefulset.apps/web patched"
    assert.include(await ok('patch sts web -p {"metadata":{"labels":{"a":"1"}}}'), patched)
    assert.include(await ok('patch sts web --type merge -p {"metadata":{"labels":{"a":"2"}}}'), patched)
    const operation = '[{"op":"test","path":"/metadata/labels/a","value":"2"}]'
    assert.include(await ok(`patch sts web --type json -p ${operation}`), "patched (no change)")
    assert.match(
      await refused('patch sts web -p {"spec":{"serviceName":"other"}}'),
      /Forbidden: updates to statefulset spec for fields other than/
    )
  })

  it("label and annotate: set, refuse to overwrite, take away", async () => {
    assert.strictEqual(await ok("label pod web-0 tier=front"), "pod/web-0 labeled\n")
    assert.match(await refused("label pod web-0 tier=back"), /already has a value/)
    assert.strictEqual(await ok("label pod web-0 tier-"), "pod/web-0 unlabeled\n")
    assert.strictEqual(await ok("annotate pod web-0 note=yes"), "pod/web-0 annotated\n")
    assert.match(await ok("get pod web-0 -o yaml"), /^ {4}note: "?yes"?$/m)
  })

  it("cordon and taint: the node says so, and takes it back", async () => {
    assert.strictEqual(await ok("cordon node-c2"), "node/node-c2 cordoned\n")
    assert.match(await ok("get node node-c2"), /SchedulingDisabled/)
    assert.strictEqual(await ok("uncordon node-c2"), "node/node-c2 uncordoned\n")
    assert.strictEqual(await ok("taint node node-c2 why=because:NoSchedule"), "node/node-c2 tainted\n")
    assert.match(await ok("describe node node-c2"), /^Taints: +why=because:NoSchedule$/m)
    assert.strictEqual(await ok("taint node node-c2 why-"), "node/node-c2 untainted\n")
  })

  it("delete: a pod comes back under its name with another uid", async () => {
    const uid = await ok("get pod ledger-1 -o jsonpath={.metadata.uid}")
    assert.match(await ok("delete pod ledger-1"), /^pod "ledger-1" deleted/)
    await ok("rollout status sts ledger --timeout 120s")
    await ok("wait pod/ledger-1 --for=condition=Ready --timeout=120s")
    assert.notStrictEqual(await ok("get pod ledger-1 -o jsonpath={.metadata.uid}"), uid)
  })

  it("wait: for a condition, a field, and in vain", async () => {
    assert.strictEqual(
      await ok("wait pod/ledger-0 --for=condition=Ready --timeout=5s"),
      "pod/ledger-0 condition met\n"
    )
    await ok("wait pvc/data-ledger-0 --for=jsonpath={.status.phase}=Bound --timeout=5s")
    assert.match(
      await refused("wait pod/ledger-0 --for=condition=Gone --timeout=1s"),
      /timed out waiting for the condition/
    )
  })

  it("exec: output, exit code, standard input and a terminal's lines", async () => {
    assert.strictEqual(await ok("exec web-0 -- echo hello"), "hello\n")
    assert.deepInclude(await run(["exec", "web-0", "--", "false"]), {
      code: 1,
      err: "command terminated with exit code 1\n"
    })
    assert.match(await ok("exec ledger-0 -c ledger -- ledger balance"), /^ledger-0 {3}\d+/)
    assert.match((await run(["exec", "web-0", "--", "ls"])).err, /executable file not found/)
    assert.strictEqual(await ok("exec -i web-0 -- true", "nobody reads this"), "")
    assert.match(await refused("exec nothing -- true"), /pods "nothing" not found/)
  })

  it("auth can-i: yes, no for another, and who one is", async () => {
    assert.strictEqual(await ok("auth can-i delete statefulsets"), "yes\n")
    const other = await run(["auth", "can-i", "delete", "statefulsets", "--as", "bob"])
    assert.deepInclude(other, { code: 1, out: "no\n" })
    assert.match(await ok("auth can-i --list"), /^\*\.\* +/m)
    assert.match(await ok("auth whoami"), /kubernetes-admin/)
    assert.match(await refused("get pods --as bob"), /Forbidden.*User "bob" cannot list resource "pods"/)
  })

  it("api-resources: what it serves", async () => {
    const all = await ok("api-resources")
    assert.match(all, /^statefulsets +sts +apps\/v1 +true +StatefulSet$/m)
    assert.match(all, /^volumesnapshots /m)
    assert.match(await ok("api-resources --namespaced=false -o name"), /^nodes$/m)
  })

  it("create and apply: from a file and from flags", async () => {
    const made = (value: string) =>
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "made" }, data: { value } })
    assert.strictEqual(await ok("apply -f -", made("1")), "configmap/made created\n")
    assert.strictEqual(await ok("apply -f -", made("1")), "configmap/made unchanged\n")
    assert.strictEqual(await ok("apply -f -", made("2")), "configmap/made configured\n")
    assert.strictEqual(await ok("get configmap made -o jsonpath={.data.value}"), "2")
    assert.strictEqual(await ok("replace -f -", made("3")), "configmap/made replaced\n")
    assert.match((await run(["create", "-f", "-"], made("1"))).err, /AlreadyExists/)
    // A List has no path of its own: kubectl asks for schemas of another form, and judges nothing by them.
    const list = await ok("get configmaps,volumesnapshotclasses -o json")
    assert.match(await ok("apply -f -", list), /^configmap\/made [^]*^volumesnapshotclass\.\S+ \w+$/m)
    assert.strictEqual(await ok("create configmap typed --from-literal=a=b"), "configmap/typed created\n")
    assert.strictEqual(await ok("create secret generic typed --from-literal=a=b"), "secret/typed created\n")
    assert.strictEqual(await ok("get secret typed -o jsonpath={.data.a}"), "Yg==")
    assert.match(await refused("create configmap typed --from-literal=a=b"), /already exists/)
  })

  it("create KIND and autoscale: what kubectl sends as protobuf", async () => {
    const made: ReadonlyArray<readonly [command: string, said: string]> = [
      ["namespace typed", "namespace/typed"],
      ["serviceaccount typed", "serviceaccount/typed"],
      ["service clusterip typed --tcp=80:8080", "service/typed"],
      ["service nodeport typed-node --tcp=80", "service/typed-node"],
      ["service externalname typed-name --external-name=example.com", "service/typed-name"],
      [
        "poddisruptionbudget typed --selector=app=typed --min-available=50%",
        "poddisruptionbudget.policy/typed"
      ],
      ["quota typed --hard=pods=50", "resourcequota/typed"],
      ["deployment typed --image=x --replicas=0", "deployment.apps/typed"],
      ["job typed --image=x -- a b", "job.batch/typed"],
      ["cronjob typed --image=x --schedule=@daily", "cronjob.batch/typed"],
      ["role typed --verb=get --resource=pods", "role.rbac.authorization.k8s.io/typed"],
      ["rolebinding typed --role=typed --user=u", "rolebinding.rbac.authorization.k8s.io/typed"],
      ["clusterrole typed --verb=get --resource=nodes", "clusterrole.rbac.authorization.k8s.io/typed"],
      [
        "clusterrolebinding typed --clusterrole=typed --user=u",
        "clusterrolebinding.rbac.authorization.k8s.io/typed"
      ],
      ["priorityclass typed --value=5", "priorityclass.scheduling.k8s.io/typed"],
      ["ingress typed --rule=a.example/=typed:80", "ingress.networking.k8s.io/typed"]
    ]
    for (const [command, said] of made) assert.strictEqual(await ok(`create ${command}`), `${said} created\n`)
    assert.strictEqual(
      await ok("autoscale deployment typed --min=1 --max=3"),
      "horizontalpodautoscaler.autoscaling/typed autoscaled\n"
    )
    const read = (what: string, path: string) => ok(`get ${what} -o jsonpath={${path}}`)
    assert.strictEqual(await read("deployment typed", ".spec.replicas"), "0")
    assert.strictEqual(await read("service typed", ".spec.ports[0].targetPort"), "8080")
    assert.strictEqual(await read("pdb typed", ".spec.minAvailable"), "50%")
    assert.strictEqual(await read("quota typed", ".spec.hard.pods"), "50")
    assert.strictEqual(await read("job typed", ".spec.template.spec.containers[0].command"), '["a","b"]')
    // The same object as from a file: applied over it, nothing is left to change but the annotation.
    const asFile = await ok("create deployment filed --image=x --replicas=0 --dry-run=client -o json")
    await ok("apply -f -", asFile)
    const spec = async (name: string) => (await read(`deployment ${name}`, ".spec")).replaceAll(name, "NAME")
    assert.strictEqual(await spec("typed"), await spec("filed"))
    await ok("scale deployment typed --replicas=1")
    await ok("rollout status deployment typed --timeout=120s")
    await ok("delete deployment typed --cascade=foreground")
    await ok("delete quota typed")
  })

  it("a field that the kind does not have: refused, warned of, or dropped", async () => {
    const made = (replicas: string) => `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: strict}
spec:
  ${replicas}
  serviceName: strict
  selector: {matchLabels: {app: strict}}
  template:
    metadata: {labels: {app: strict}}
    spec: {containers: [{name: main, image: x}]}
`
    const strict = 'strict decoding error: unknown field "spec.replcas"'
    const warning = 'Warning: unknown field "spec.replcas"\n'
    for (const verb of ["apply", "create"]) {
      assert.deepInclude(await run([verb, "-f", "-"], made("replcas: 0")), {
        code: 1,
        err: `Error from server (BadRequest): error when creating "STDIN": StatefulSet in version "v1" cannot be handled as a StatefulSet: ${strict}\n`
      })
    }
    const warned = await run(["apply", "--validate=warn", "-f", "-"], made("replcas: 0"))
    assert.deepInclude(warned, { code: 0, out: "statefulset.apps/strict created\n", err: warning })
    assert.include((await run(["apply", "-f", "-"], made("replcas: 1"))).err, strict)
    assert.include((await run(["replace", "-f", "-"], made("replcas: 1"))).err, strict)
    const ignored = await run(["apply", "--validate=false", "-f", "-"], made("replcas: 1"))
    assert.deepInclude(ignored, { code: 0, err: "" })
    assert.strictEqual(await ok("get sts strict -o jsonpath={.spec.replcas}"), "")
    assert.strictEqual(await ok("apply -f -", made("replicas: 0")), "statefulset.apps/strict configured\n")
  })

  it("edit: what was saved is judged as any update is", async () => {
    const edit = (script: string) =>
      run(["edit", "configmap", "made"], undefined, { EDITOR: `sed -i ${script}` })
    assert.deepInclude(await edit("s/value:.*/value:\\ edited/"), {
      code: 0,
      out: "configmap/made edited\n"
    })
    assert.strictEqual(await ok("get configmap made -o jsonpath={.data.value}"), "edited")
  })

  it("diff: shows what apply would change", async () => {
    const made = JSON.stringify({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "made" },
      data: { value: "other" }
    })
    const { code, out } = await run(["diff", "-f", "-"], made)
    assert.strictEqual(code, 1)
    assert.match(out, /^-  value: edited\n\+  value: other$/m)
  })

  it("explain: that there is no documentation", async () => {
    assert.match(await ok("explain statefulset"), /KIND: +StatefulSet\n[^]*does not document its fields/)
  })

  it("what it does not do, it refuses by name", async () => {
    assert.match(await refused("logs ledger-0"), /the sandbox does not do this: pods\/log/)
    assert.match(await refused("create token default"), /does not do this: serviceaccounts\/token/)
    const configMap = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"made"}}'
    const applied = await run(["apply", "--server-side", "--dry-run=server", "-f", "-"], configMap)
    assert.match(applied.err, /does not do this: server-side apply/)
    const withProbe = (affinity: object) =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "probed" },
        spec: {
          affinity,
          containers: [{ name: "main", image: "x:1", livenessProbe: { exec: { command: ["a"] } } }]
        }
      })
    const near = { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "zone" }] }
    const create = "create -f -".split(" ")
    const { code, err } = await run(create, withProbe({ podAffinity: near }))
    assert.strictEqual(code, 1)
    assert.match(err, /does not do this: spec\.affinity\.podAffinity\.required.* of a Pod/)
    const kept = await run(create, withProbe({}))
    assert.strictEqual(kept.code, 0, kept.err)
    assert.match(
      kept.err,
      /^Warning: the sandbox keeps, and does not act upon: spec\.containers\.livenessProbe$/m
    )
  })
})
