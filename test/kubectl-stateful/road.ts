import { connect, createServer, type Socket } from "node:net"

/** The way to the server, which can be cut. */
export const newRoad = async (port: number, host = "127.0.0.1") => {
  const open = new Set<Socket>()
  let isCut = false
  const server = createServer((near) => {
    if (isCut) {
      near.destroy()
      return
    }
    const far = connect(port, host)
    for (const [from, to] of [
      [near, far],
      [far, near]
    ] as const) {
      open.add(from)
      from.pipe(to)
      from.on("error", () => {})
      from.once("close", () => {
        open.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  const destroy = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    port: typeof address === "object" ? (address?.port ?? 0) : 0,
    cut: () => {
      isCut = true
      destroy()
    },
    mend: () => void (isCut = false),
    close: () => {
      server.close()
      destroy()
    }
  }
}
