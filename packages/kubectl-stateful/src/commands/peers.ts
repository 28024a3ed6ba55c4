/** `kubectl stateful peers`: where each pod of a StatefulSet is, and whether it can be used. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import * as Discovery from "@kubectl-stateful/sdk/Discovery"
import { boolean } from "@oclif/core/flags"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { appArgs, wordsOf } from "../flags/application.ts"
import { outputFlag, watchFlag } from "../flags/output.ts"
import { peersText } from "../print/peers.ts"
import { setName } from "../command/target.ts"

export class PeersCommand extends KubectlCommand {
  static override summary = "List the pods of a StatefulSet with name, address, node, zone and readiness."
  static override usage = ["peers [TYPE/]NAME [flags]"]
  static override description =
    "Prints one line per ordinal. For an ordinal without a pod, prints the reason. The DNS column is derived from objects in the cluster; --check-dns resolves the names from inside a pod. If pods cannot be listed, EndpointSlices are used."
  static override examples = [
    "<%= config.bin %> peers db -n shop",
    "<%= config.bin %> peers db -w",
    "<%= config.bin %> peers db -o wide --check-dns"
  ]
  static override args = appArgs
  static override flags = {
    ...outputFlag,
    ...watchFlag,
    "check-dns": boolean({
      summary: "Resolve every name from inside a pod, and report answers that come from a stale DNS cache."
    })
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PeersCommand)
    const name = setName(wordsOf(args), "peers db")
    const { screen } = this
    const show = Effect.fnUntraced(function* (peers: Discovery.Peers) {
      const dns = flags["check-dns"] ? yield* Discovery.checkDns(peers) : null
      const now = new Date(yield* Clock.currentTimeMillis).toISOString()
      const { columns, width, colour } = screen
      const look = { output: flags.output ?? null, columns, width, colour, now }
      const whole = dns === null ? peers : { ...peers, clusterDomain: dns.clusterDomain, dns }
      screen.page(yield* peersText(whole, look))
    })
    await this.perform(
      flags,
      Effect.flatMap(Cluster, ({ origin: { namespace } }) => {
        const ref = { namespace, name }
        return flags.watch
          ? Stream.runForEach(Discovery.watch(ref), show)
          : Effect.flatMap(Discovery.read(ref), show)
      })
    )
  }
}
