/** What a server is shown, by the real command: it gets the credential, and nobody else sees it. */
import { spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { program } from "../shipped.ts"

const bin = program()

const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-credentials-"))
afterAll(() => rmSync(folder, { recursive: true }))

const canary = "canary-7f3a9c/+value=of a credential"
const forms = [
  canary,
  Buffer.from(canary).toString("base64"),
  Buffer.from(`ann:${canary}`).toString("base64"),
  Buffer.from(canary).toString("hex"),
  encodeURIComponent(canary),
  JSON.stringify(canary).slice(1, -1)
]
const has = (text: string) => forms.some((form) => text.includes(form))

/** The command lines of all processes on Linux; elsewhere none is known. */
const commandLines = (): string =>
  process.platform === "linux"
    ? readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => {
          try {
            return readFileSync(`/proc/${pid}/cmdline`, "utf8")
          } catch {
            // It has ended.
            return ""
          }
        })
        .join("\n")
    : ""

const inFile = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text, { mode: 0o600 })
  return join(folder, name)
}
const given = {
  kind: "ExecCredential",
  apiVersion: "client.authentication.k8s.io/v1",
  status: { token: canary }
}
const users: Readonly<Record<string, object>> = {
  "a token": { token: canary },
  "a plugin": {
    exec: {
      apiVersion: given.apiVersion,
      command: "cat",
      args: [inFile("credential", JSON.stringify(given))],
      interactiveMode: "Never"
    }
  }
}

/** What a command with this user says, and what its server is asked. */
const describeWith = async (user: object) => {
  const requests: Array<IncomingMessage> = []
  let lines = ""
  const server = createServer((request, response) => {
    requests.push(request)
    lines ||= commandLines()
    const body = JSON.stringify({
      kind: "Status",
      status: "Failure",
      reason: "Forbidden",
      message: "no",
      code: 403
    })
    response.writeHead(403, { "content-type": "application/json" }).end(body)
  })
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  const port = typeof address === "object" ? address?.port : undefined
  const kubeconfig = inFile(
    "kubeconfig",
    JSON.stringify({
      clusters: [{ name: "c", cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: "u", user }],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      "current-context": "c"
    })
  )
  const child = spawn(process.execPath, [bin, "describe", "db", "-v=9", "--kubeconfig", kubeconfig], {
    stdio: ["ignore", "pipe", "pipe"]
  })
  let said = ""
  for (const output of [child.stdout, child.stderr]) output.on("data", (text) => (said += String(text)))
  await new Promise((resolve) => child.once("close", resolve))
  server.closeAllConnections()
  server.close()
  return { requests, said, lines }
}

describe("a credential", () => {
  for (const [what, user] of Object.entries(users))
    it(`is in its header alone, and in no address, command line or word of ours: ${what}`, async () => {
      const { requests, said, lines } = await describeWith(user)
      assert.isNotEmpty(requests)
      assert.isTrue(requests.every(({ headers }) => has(headers.authorization ?? "")))
      assert.isFalse(requests.some(({ url = "" }) => has(url)))
      assert.include(said, "requests in")
      assert.isFalse(has(said), said)
      assert.isFalse(has(lines))
    })
})
