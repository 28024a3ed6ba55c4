import { homedir } from "node:os"
import { join, resolve } from "node:path"
import { bed } from "./topology.ts"

export const { root } = bed

export const below = (...parts: ReadonlyArray<string>): string => join(root, ...parts)

/** This folder of the repository: go.mod, manifests, own Go sources. */
export const source = resolve(import.meta.dirname, "..")

/** Binaries and images, kept between clusters. */
export const cache = join(
  process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
  "kubectl-stateful",
  "bed"
)

export const binaries = below("bin")
export const kubeconfig = below("admin.kubeconfig")
export const auditLog = below("log", "audit.log")
export const csiLog = below("log", "csi.jsonl")

/** Exists from the moment `up` is done until `down` begins. */
export const ready = below("ready")
