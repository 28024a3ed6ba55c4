/** Prints the peers that DNS alone tells, in a pod without a ServiceAccount's token. */
import { readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import { clusterDomainOf } from "../../../packages/sdk/src/Discovery.ts"
import { dnsPeers } from "../../../packages/sdk/src/kubernetes/index.ts"

const clusterDomain = clusterDomainOf(readFileSync("/etc/resolv.conf", "utf8")) ?? ""
const namespace = process.env["NAMESPACE"] ?? ""
const peers = await Effect.runPromise(dnsPeers({ namespace, service: "store", port: "http", clusterDomain }))
console.log(JSON.stringify(peers))
