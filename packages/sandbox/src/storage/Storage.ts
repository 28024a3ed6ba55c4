/**
 * The storage system of the volumes: it stores their data, takes snapshots and copies either into new
 * volumes. Its faults are set by parameters of StorageClasses, as with the test driver on a real cluster.
 */
import type { Volume } from "./Volume.ts"

/** One call to the storage system, as a test may want it to fail. */
export interface StorageCall {
  readonly name:
    | "CreateVolume"
    | "CreateSnapshot"
    | "CreateVolumeGroupSnapshot"
    | "ControllerExpandVolume"
    | "NodeExpandVolume"
    | "ControllerPublishVolume"
  /** The claim, the snapshot or the volume it is about, by name. */
  readonly about: string
}

export interface StorageOptions {
  /** The driver's error for a call, such as `Unavailable: pool is full`; undefined if the call succeeds. */
  readonly fail?: (call: StorageCall) => string | undefined
  /** Writes a second of the snapshot controller and of its sidecar, each. A real one's default is 5; here without limit. */
  readonly snapshotQps?: number
  /**
   * From the request of a snapshot to the moment it is taken, for classes without a `cutDelay`. Default 50.
   */
  readonly cutMillis?: number
  /** From a group that is ready to its members' objects. Default 100. */
  readonly memberMillis?: number
  /** The share of the members of a group that turns ready late which never do (external-snapshotter 8.6). Default 1. */
  readonly stuckMembers?: number
  /** Default 100. */
  readonly attachMillis?: number
  /** Default 100. */
  readonly detachMillis?: number
  /** Each of the two steps of an expansion, on the controller and on the node. Default 200. */
  readonly expandMillis?: number
}

/** Thrown by a call that fails; the text is a gRPC error's, as in statuses and events. */
export class StorageFailure {
  readonly _tag = "StorageFailure"
  readonly message: string
  /** True if the driver certainly did nothing: its error was not a timeout. */
  readonly final: boolean
  constructor(failure: string) {
    const [code = "Unknown", ...words] = failure.split(": ")
    this.message = `rpc error: code = ${code} desc = ${words.join(": ")}`
    this.final = !["Canceled", "DeadlineExceeded", "Unavailable", "ResourceExhausted", "Aborted"].includes(
      code
    )
  }
}

export interface Snapshot {
  readonly bytes: Volume
  /** The minimum size of a volume from this snapshot. */
  readonly size: number
  readonly cutAt: number
  readonly readyAt: number
  readonly sourceHandle: string
  /** The group that it was taken with. */
  readonly group?: string
}

export interface Cut {
  /** Milliseconds. */
  readonly readyAfter: number
  readonly isFrozen: boolean
  readonly group?: string
}

type Parameters = Readonly<Record<string, string>> | undefined

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Parses `1.5s`, `200ms` or `1m30s`; the fallback if absent. */
export const durationIn = (parameters: Parameters, name: string, fallback = 0): number => {
  const text = parameters?.[name]
  if (text === undefined) return fallback
  let millis = 0
  for (const [, amount, unit] of text.matchAll(/(?<![\d.])([\d.]+)(ms|s|m|h)/g))
    millis += Number(amount) * (units[unit ?? ""] ?? 0)
  return millis
}

export class Storage {
  /** The bytes of each volume, by its handle. */
  readonly volumes = new Map<string, Volume>()
  /** By handle. */
  readonly snapshots = new Map<string, Snapshot>()
  readonly options: StorageOptions
  /** The number of failures of a call that a StorageClass' parameter requested, by its subject. */
  readonly #failed = new Map<string, number>()

  constructor(options: StorageOptions = {}) {
    this.options = options
  }

  /**
   * Throws as the test or the class asks for. `fails`: the class's parameter, `CODE:N`
   * for the first N attempts; `uid`: attempts are counted by it.
   */
  attempt(call: StorageCall, uid: string, fails?: string): void {
    const asked = this.options.fail?.(call)
    if (asked !== undefined) throw new StorageFailure(asked)
    const [code, count] = fails?.split(":") ?? []
    if (code === undefined || count === undefined) return
    const times = (this.#failed.get(uid) ?? 0) + 1
    if (times > Number(count)) return
    this.#failed.set(uid, times)
    throw new StorageFailure(`${code}: failure ${times} of ${count} asked for by the class`)
  }

  /**
   * Takes a snapshot of a volume at this instant. The file system is frozen for it, which flushes all writes
   * to the disk; with `isFrozen` false, the snapshot is the state after a power failure.
   */
  cut(handle: string, sourceHandle: string, now: number, cut: Cut): Snapshot {
    const known = this.snapshots.get(handle)
    if (known !== undefined) return known
    const source = this.volumes.get(sourceHandle)
    if (source === undefined) throw new StorageFailure(`NotFound: no volume ${sourceHandle}`)
    if (cut.isFrozen) source.sync()
    const bytes = source.copy()
    bytes.cutPower()
    const snapshot: Snapshot = {
      bytes,
      size: source.capacity,
      cutAt: now,
      readyAt: now + cut.readyAfter,
      sourceHandle,
      ...(cut.group === undefined ? {} : { group: cut.group })
    }
    this.snapshots.set(handle, snapshot)
    return snapshot
  }

  /** Moves a volume's data to a new volume: later writes to the old one have no effect. */
  fence(handle: string): void {
    const volume = this.volumes.get(handle)
    if (volume !== undefined) this.volumes.set(handle, volume.copy())
  }
}
