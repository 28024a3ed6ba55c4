/**
 * NetworkPolicies, enforced or not: kube-router's policy controller on each node, and nothing else of it.
 * The bed's own network lets everything through, as many clusters' do.
 */
import { buildEnforcer } from "./build.ts"
import { installForPolicies, isInstalledForPolicies } from "./debian.ts"
import * as pki from "./pki.ts"
import { alive, end, lastWords, run, start } from "./process.ts"
import { until } from "./progress.ts"
import { type Node, nodes, serviceRange } from "./topology.ts"

const unit = ({ name }: Node): string => `${name}/kube-router`

export const prepare = async (): Promise<void> => {
  await installForPolicies()
  await buildEnforcer()
}

const inside = (node: Node, command: string, ...args: ReadonlyArray<string>): Promise<string> =>
  run("nsenter", [`--net=/run/netns/${node.netns}`, command, ...args])

const rules = async (node: Node): Promise<string> => inside(node, "iptables-save").catch(() => "")

/** Whether the rules of a node are there: written by its first round. */
const enforces = async (node: Node): Promise<boolean> => {
  if (!alive(unit(node))) throw new Error(`${unit(node)} ended: ${lastWords(unit(node))}`)
  return (await rules(node)).includes("KUBE-ROUTER-FORWARD")
}

export const on = async (): Promise<void> => {
  await installForPolicies()
  const binary = await buildEnforcer()
  for (const node of nodes) {
    if (alive(unit(node))) continue
    // Pods of one node talk over a bridge, which passes its packets by the rules only so.
    await inside(node, "sysctl", "-q", "-w", "net.bridge.bridge-nf-call-iptables=1")
    start({
      name: unit(node),
      netns: node.netns,
      env: { NODE_NAME: node.name },
      command: [
        binary,
        "--run-firewall=true",
        "--run-router=false",
        "--run-service-proxy=false",
        "--enable-cni=false",
        `--hostname-override=${node.name}`,
        `--kubeconfig=${pki.configOf("kube-router")}`,
        `--service-cluster-ip-range=${serviceRange}`,
        "--health-port=0",
        "--iptables-sync-period=1m"
      ]
    })
  }
  for (const node of nodes) await until(`${node.name} to enforce policies`, 60, () => enforces(node))
}

/** Takes every rule and set of kube-router's away again; those of the service proxy are in tables of its own. */
const clean = async (node: Node): Promise<void> => {
  const kept = (await rules(node))
    .split("\n")
    .filter((line) => !/KUBE-(ROUTER|POD-FW|NWPLCY)/.test(line))
    .join("\n")
  await run("nsenter", [`--net=/run/netns/${node.netns}`, "iptables-restore"], { input: `${kept}\n` })
  for (const name of (await inside(node, "ipset", "list", "-n")).split("\n"))
    if (name.startsWith("KUBE-") || name.startsWith("kube-router-"))
      await inside(node, "ipset", "destroy", name)
  await inside(node, "sysctl", "-q", "-w", "net.bridge.bridge-nf-call-iptables=0")
}

export const off = async (): Promise<void> => {
  // On a new machine nothing was ever enforced.
  if (!isInstalledForPolicies()) return
  await end(nodes.map(unit))
  for (const node of nodes) await clean(node)
}
