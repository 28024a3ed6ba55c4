/**
 * Uses the SDK beside `@kubernetes/client-node`: its KubeConfig, and its objects.
 *
 * Runs on a served sandbox: `node --conditions=source examples/with-client-node.ts`.
 */
import { start } from "@kubectl-stateful/sandbox/promise"

await using sandbox = await start("ledger")
const { kubeconfig } = await sandbox.serve()

// #region use
import { answer, connect, statefulSet } from "@kubectl-stateful/sdk/promise"
import { AppsV1Api, KubeConfig } from "@kubernetes/client-node"

const kubeConfig = new KubeConfig()
kubeConfig.loadFromString(kubeconfig) // or loadFromDefault()

await using cluster = connect({ kubeConfig })
const api = kubeConfig.makeApiClient(AppsV1Api)
const set = await api.readNamespacedStatefulSet({ namespace: "shop", name: "ledger" })
const [restart] = answer(await cluster.read(statefulSet(set)))
console.log(`${set.spec?.replicas} replicas; safe to restart? ${restart?.answer}`)
// => 3 replicas; safe to restart? Yes
// #endregion
