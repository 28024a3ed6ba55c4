/**
 * What `kubectl get … -o json` prints, without a process each time: suites ask hundreds of times, and a start
 * of kubectl takes more than its answer. A `kubectl proxy` stands between, which knows every kind of kubeconfig.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import type { Socket } from "node:net"
import { createInterface } from "node:readline"
import { parseArgs } from "node:util"

/** Where the proxy of this run of the suites listens. */
const variable = "CLUSTER_PROXY"

/** Starts the proxy; the answer ends it. */
export const open = async (): Promise<() => void> => {
  const child = spawn("kubectl", ["proxy", "--port=0"], { stdio: ["ignore", "pipe", "inherit"] })
  const [line] = (await once(createInterface(child.stdout), "line")) as [string]
  const [address] = /127\.0\.0\.1:\d+/.exec(line) ?? []
  if (address === undefined) throw new Error(`kubectl proxy: ${line}`)
  process.env[variable] = `http://${address}`
  // A program that forgets it ends all the same.
  child.unref()
  ;(child.stdout as Socket).unref()
  return () => void child.kill()
}

interface Item {
  readonly apiVersion: string
  readonly kind: string
}
interface List extends Item {
  readonly items: ReadonlyArray<object>
}
interface Status {
  readonly reason?: string
  readonly message?: string
}

interface Type {
  readonly names: ReadonlyArray<string>
  readonly folder: string
  readonly plural: string
  readonly isNamespaced: boolean
}

interface Discovery {
  readonly items: ReadonlyArray<{
    readonly metadata: { readonly name?: string }
    readonly versions: ReadonlyArray<{
      readonly version: string
      readonly resources: ReadonlyArray<{
        readonly resource: string
        readonly singularResource: string
        readonly shortNames?: ReadonlyArray<string>
        readonly scope: string
      }>
    }>
  }>
}

const ask = async <T>(path: string, accept = "application/json"): Promise<T> => {
  const response = await fetch(`${process.env[variable]}${path}`, { headers: { accept } })
  if (response.ok) return (await response.json()) as T
  const text = await response.text()
  const { reason, message } = response.headers.get("content-type")?.includes("json")
    ? (JSON.parse(text) as Status)
    : { reason: response.statusText, message: text }
  throw new Error(`Error from server (${reason}): ${message}`)
}

const discover = async (): Promise<ReadonlyArray<Type>> => {
  const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
  const groups = await Promise.all(["/api", "/apis"].map((path) => ask<Discovery>(path, accept)))
  return groups.flatMap(({ items }) =>
    items.flatMap(({ metadata: { name: group }, versions: [first] }) =>
      (first?.resources ?? []).map(({ resource, singularResource, shortNames = [], scope }) => ({
        names: [resource, singularResource, ...shortNames, `${resource}.${group ?? ""}`],
        folder: group === undefined ? `/api/${first?.version}` : `/apis/${group}/${first?.version}`,
        plural: resource,
        isNamespaced: scope === "Namespaced"
      }))
    )
  )
}

let types: Promise<ReadonlyArray<Type>> | undefined
const typeOf = async (name: string): Promise<Type> => {
  types ??= discover()
  // Of an object that two groups serve, such as events, the first is kubectl's too.
  const found = (await types).find(({ names }) => names.includes(name))
  if (found === undefined) throw new Error(`the server doesn't have a resource type "${name}"`)
  return found
}

/** `TYPE[,TYPE]…`, `TYPE NAME` or `TYPE/NAME`, with `-n`, `-l` and `--field-selector`. */
export const get = async <T>(args: ReadonlyArray<string>): Promise<T> => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      namespace: { type: "string", short: "n", default: "default" },
      selector: { type: "string", short: "l" },
      "field-selector": { type: "string" }
    }
  })
  const [asked = "", name] = positionals.flatMap((each) => each.split("/"))
  const pathOf = async (type: string) => {
    const { folder, plural, isNamespaced } = await typeOf(type)
    return `${folder}/${isNamespaced ? `namespaces/${values.namespace}/` : ""}${plural}`
  }
  if (name !== undefined) return ask<T>(`${await pathOf(asked)}/${name}`)
  const query = new URLSearchParams()
  if (values.selector !== undefined) query.set("labelSelector", values.selector)
  if (values["field-selector"] !== undefined) query.set("fieldSelector", values["field-selector"])
  const lists = await Promise.all(
    asked.split(",").map(async (type) => ask<List>(`${await pathOf(type)}?${query.toString()}`))
  )
  // The server leaves out of an item what its list says.
  const items = lists.flatMap(({ apiVersion, kind, items: all }) =>
    all.map((item) => ({ apiVersion, kind: kind.replace(/List$/, ""), ...item }))
  )
  return { apiVersion: "v1", kind: "List", items } as T
}
