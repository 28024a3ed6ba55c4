/** Printed of a kubeconfig, of what the cluster serves, and of a name in its DNS. */
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import { assert } from "vitest"
import type { Draft } from "../../packages/sandbox/src/apimachinery/KubeObject.ts"
import { hookExec } from "../../packages/sandbox/src/node/HookExec.ts"
import type { Remedy } from "./Remedy.ts"
import { namespace, type Situation } from "./Situation.ts"
import { podOf } from "./nightly.ts"

/** A kubeconfig of its own, whose context is called `elsewhere`. */
const elsewhere = async (at: Situation): Promise<string> => {
  const other = join(at.folder, randomUUID())
  await at.run(`sh -c 'cp $KUBECONFIG ${other}'`)
  await at.run(`kubectl config rename-context sandbox elsewhere --kubeconfig ${other}`)
  return other
}

/** Which kubeconfig a command names. */
const fileIn = (message: string): string =>
  /--kubeconfig ([\w./-]+)/.exec(message)?.[1] ?? assert.fail(message)

/** Of the cluster, which a kubeconfig has lost. */
let server = ""

/** Of db-0. */
let address = ""

export const remedies: ReadonlyArray<Remedy> = [
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config get-contexts",
    when: "where another kubeconfig has no such context",
    print: async (at) =>
      at.refused(`snapshots --kubeconfig ${await elsewhere(at)} --context nowhere -n shop`),
    helps: async (at, { out }, message) => {
      assert.match(out, / elsewhere /)
      await at.printed(`snapshots --kubeconfig ${fileIn(message)} --context elsewhere -n shop`)
    }
  },
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config use-context",
    when: "where no context is chosen",
    print: async (at) => {
      const other = await elsewhere(at)
      await at.run(`kubectl config unset current-context --kubeconfig ${other}`)
      return at.refused(`snapshots --kubeconfig ${other} -n shop`)
    },
    fill: (command) => command.replace("NAME", "elsewhere"),
    helps: async (at, _, message) => {
      await at.printed(`snapshots --kubeconfig ${fileIn(message)} -n shop`)
    }
  },
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config set-cluster",
    when: "where a cluster has no server",
    print: async (at) => {
      const other = await elsewhere(at)
      const { out } = await at.run("kubectl config view -o jsonpath={.clusters[0].cluster.server}")
      server = out.trim()
      await at.run(`kubectl config unset clusters.sandbox.server --kubeconfig ${other}`)
      return at.refused(`snapshots --kubeconfig ${other} -n shop`)
    },
    fill: (command) => command.replace("URL", server),
    helps: async (at, _, message) => {
      await at.printed(`snapshots --kubeconfig ${fileIn(message)} -n shop`)
    }
  },
  {
    from: "sdk/src/discovery/dns.ts",
    shape: "get endpointslices",
    when: "where a name resolves to what is no pod's",
    options: {
      programs: () => ({
        onExec: (host, command) =>
          hookExec(host, command, (_, { stdout }) => Effect.as(stdout(`0 ${address} 10.9.9.9\n`), 0))
      })
    },
    print: (at) => {
      address = podOf(at, "db-0")?.status.podIP ?? ""
      at.sandbox.create({
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: "by-hand", namespace, labels: { "kubernetes.io/service-name": "db" } },
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.9.9.9"] }],
        ports: []
      } as Draft)
      return at.printed("peers db --check-dns -n shop")
    },
    helps: (_, { out }) => assert.match(out, /^by-hand .* 10\.9\.9\.9 /m)
  },
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config get-contexts",
    when: "where there is no such context",
    print: (at) => at.refused("describe db --context nowhere -n shop"),
    helps: (_, { out }) => assert.match(out, /\bsandbox\b/)
  },
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config get-clusters",
    when: "where there is no such cluster",
    print: (at) => at.refused("describe db --cluster nowhere -n shop"),
    helps: (_, { out }) => assert.match(out, /^sandbox$/m)
  },
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config get-users",
    when: "where there is no such user",
    print: (at) => at.refused("describe db --user nowhere -n shop"),
    helps: (_, { out }) => assert.match(out, /^sandbox$/m)
  },
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config use-context",
    when: "where no context is current",
    print: async (at) => {
      await at.run("kubectl config unset current-context")
      return at.refused("describe db -n shop")
    },
    fill: (command) => command.replace("NAME", "sandbox"),
    helps: async (at) => void (await at.printed("describe db -n shop"))
  },
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config set-cluster",
    when: "where a cluster has no server",
    print: async (at) => {
      await at.run("kubectl config unset clusters.sandbox.server")
      return at.refused("describe db -n shop")
    },
    fill: (command, { url }) => command.replace("URL", url),
    helps: async (at) => void (await at.printed("describe db -n shop"))
  },
  {
    from: "sdk/src/resource/Status.ts",
    shape: "api-resources",
    when: "where the cluster does not serve snapshots",
    options: { without: ["volumesnapshots.snapshot.storage.k8s.io"] },
    print: (at) => at.refused("snapshot db --consistency crash -n shop"),
    helps: (_, { out }) => assert.notMatch(out, /volumesnapshots /)
  }
]
