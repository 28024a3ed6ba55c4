/**
 * The bytes of a volume: files by path, in memory. A file is a chain of chunks that
 * are never changed, so an append costs its own length and a copy of a whole
 * volume costs its number of files.
 */

interface Extent {
  readonly before: Extent | undefined
  readonly bytes: Uint8Array
  /** Of the file up to and with this extent. */
  readonly size: number
}

/** Thrown by a write that does not fit, as ENOSPC is. */
export class NoSpace {
  readonly _tag = "NoSpace"
  readonly path: string
  constructor(path: string) {
    this.path = path
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const toBytes = (content: Uint8Array | string): Uint8Array =>
  typeof content === "string" ? encoder.encode(content) : content.slice()

const normal = (path: string): string =>
  path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/")

/** The durability of a write. */
export interface WriteOptions {
  /** Stays in the node's page cache, as a write without fsync does, until `sync` or a write to the same file that is not buffered. Default false. */
  readonly buffered?: boolean
}

export class Volume {
  /** Bytes that fit. */
  capacity: number
  #files: Map<string, Extent>
  #used: number
  /** The data that survives a power failure; undefined while it is all data. */
  #synced: Map<string, Extent> | undefined

  constructor(capacity = Number.POSITIVE_INFINITY) {
    this.capacity = capacity
    this.#files = new Map()
    this.#used = 0
  }

  /** Bytes in all files. */
  get used(): number {
    return this.#used
  }

  /** The file's content, or undefined if it does not exist. */
  read(path: string): Uint8Array | undefined {
    const file = this.#files.get(normal(path))
    if (file === undefined) return undefined
    const bytes = new Uint8Array(file.size)
    for (let extent: Extent | undefined = file; extent !== undefined; extent = extent.before) {
      bytes.set(extent.bytes, extent.size - extent.bytes.length)
    }
    return bytes
  }

  readText(path: string): string | undefined {
    const bytes = this.read(path)
    return bytes === undefined ? undefined : decoder.decode(bytes)
  }

  #put(path: string, extent: Extent, { buffered = false }: WriteOptions): void {
    const key = normal(path)
    const grown = extent.size - (this.#files.get(key)?.size ?? 0)
    if (this.#used + grown > this.capacity) throw new NoSpace(path)
    if (buffered) this.#synced ??= new Map(this.#files)
    else this.#synced?.set(key, extent)
    this.#used += grown
    this.#files.set(key, extent)
  }

  write(path: string, content: Uint8Array | string, options: WriteOptions = {}): void {
    const bytes = toBytes(content)
    this.#put(path, { before: undefined, bytes, size: bytes.length }, options)
  }

  append(path: string, content: Uint8Array | string, options: WriteOptions = {}): void {
    const bytes = toBytes(content)
    const before = this.#files.get(normal(path))
    this.#put(path, { before, bytes, size: (before?.size ?? 0) + bytes.length }, options)
  }

  remove(path: string): boolean {
    const key = normal(path)
    this.#synced?.delete(key)
    this.#used -= this.#files.get(key)?.size ?? 0
    return this.#files.delete(key)
  }

  /** Flushes buffered writes to the disk. */
  sync(): void {
    this.#synced = undefined
  }

  /** Drops buffered writes that were not synced. */
  cutPower(): void {
    if (this.#synced === undefined) return
    this.#files = this.#synced
    this.#synced = undefined
    this.#used = 0
    for (const { size } of this.#files.values()) this.#used += size
  }

  /** Paths of the files under a folder, sorted. */
  list(folder = ""): ReadonlyArray<string> {
    const prefix = normal(folder)
    return [...this.#files.keys()]
      .filter((path) => prefix === "" || path === prefix || path.startsWith(`${prefix}/`))
      .toSorted()
  }

  /** A copy of the volume; later writes to one are not visible in the other. */
  copy(capacity = this.capacity): Volume {
    const copy = new Volume(capacity)
    copy.#files = new Map(this.#files)
    copy.#synced = this.#synced && new Map(this.#synced)
    copy.#used = this.#used
    return copy
  }
}
