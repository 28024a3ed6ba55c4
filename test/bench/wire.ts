/** How many bytes a program reads from the API server: its connections go through a port that counts them. */
import { writeFileSync } from "node:fs"
import { connect, createServer, type AddressInfo } from "node:net"
import { kubectl } from "../cluster/suite/commands.ts"

export interface Wire {
  /** A kubeconfig whose server is the counting port. */
  readonly kubeconfig: string
  /** What came from the server since the last call. */
  readonly taken: () => number
  readonly close: () => void
}

interface Config {
  readonly clusters: ReadonlyArray<{
    readonly cluster: Record<string, unknown> & { readonly server: string }
  }>
}

export const counted = async (file: string): Promise<Wire> => {
  const config: Config = JSON.parse(await kubectl(["config", "view", "--raw", "--minify", "-o", "json"]))
  const [first] = config.clusters
  if (first === undefined) throw new Error("the kubeconfig has no cluster")
  const { hostname, port } = new URL(first.cluster.server)
  let bytes = 0
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    far.on("data", (chunk: Buffer) => (bytes += chunk.length))
    near.pipe(far)
    far.pipe(near)
    near.on("error", () => far.destroy())
    far.on("error", () => near.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port: here } = server.address() as AddressInfo
  const cluster = { ...first.cluster, server: `https://127.0.0.1:${here}`, "tls-server-name": hostname }
  writeFileSync(file, JSON.stringify({ ...config, clusters: [{ ...first, cluster }] }), { mode: 0o600 })
  return {
    kubeconfig: file,
    taken: () => {
      const taken = bytes
      bytes = 0
      return taken
    },
    close: () => server.close()
  }
}
