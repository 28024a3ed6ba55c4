import { writeFileSync } from "node:fs"
import { below } from "./folder.ts"
import * as pki from "./pki.ts"
import { start } from "./process.ts"
import { hostAddress } from "./topology.ts"

/** kubeadm's settings, so that what is cached, and for how long, is as in production. Nothing is forwarded. */
const corefile = (): string => `.:53 {
    bind ${hostAddress}
    errors
    health ${hostAddress}:8080
    ready ${hostAddress}:8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig ${pki.configOf("dns")}
        pods insecure
        ttl 30
    }
    cache 30 {
        disable success cluster.local
        disable denial cluster.local
    }
    loadbalance
}
`

export const begin = (): void => {
  writeFileSync(below("Corefile"), corefile())
  start({ name: "dns", command: ["dns", "-conf", below("Corefile")] })
}
