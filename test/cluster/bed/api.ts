// The little the starter itself asks of the API server; manifests go through kubectl.
import { readFileSync } from "node:fs"
import { request } from "node:https"
import { kubeconfig } from "./folder.ts"
import * as pki from "./pki.ts"

export interface Answer {
  readonly status: number
  readonly body: string
}

const server = (): string => {
  const config = JSON.parse(readFileSync(kubeconfig, "utf8")) as {
    clusters: ReadonlyArray<{ cluster: { server: string } }>
  }
  return config.clusters[0]?.cluster.server ?? ""
}

export const call = (
  method: string,
  path: string,
  body?: object,
  type = "application/json"
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(
      new URL(path, server()),
      {
        method,
        agent: false,
        timeout: 5000,
        ca: readFileSync(pki.certificate("ca")),
        cert: readFileSync(pki.certificate("admin")),
        key: readFileSync(pki.key("admin")),
        headers: { "content-type": type, "user-agent": "bed" }
      },
      (response) => {
        let text = ""
        response.on("data", (chunk: Buffer) => (text += chunk.toString()))
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }))
        response.on("error", reject)
      }
    )
    sent.on("error", reject)
    sent.on("timeout", () => sent.destroy(new Error("no answer in 5s")))
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })

export const get = async <A>(path: string): Promise<A | undefined> => {
  const answer = await call("GET", path)
  return answer.status === 200 ? (JSON.parse(answer.body) as A) : undefined
}

export const patch = async (path: string, change: object): Promise<void> => {
  const answer = await call("PATCH", path, change, "application/merge-patch+json")
  if (answer.status >= 300) throw new Error(`PATCH ${path}: ${answer.status} ${answer.body.slice(0, 200)}`)
}
