// Images are made from Debian's packages and the bed's binaries, and never pulled: the nodes have no route out.
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { built } from "./build.ts"
import * as rootfs from "./rootfs.ts"
import { cache } from "./folder.ts"
import { alone } from "./lock.ts"
import { run } from "./process.ts"
import { phase } from "./progress.ts"

interface Image {
  readonly name: string
  readonly fill: (root: string) => Promise<void>
  readonly config: Readonly<Record<string, unknown>>
}

const pathOf = (extra: string): string =>
  `PATH=${extra}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`

const images: ReadonlyArray<Image> = [
  {
    name: "pause",
    fill: rootfs.busybox,
    // A process numbered 1 has no default for SIGTERM, so the shell has to name one.
    config: { Entrypoint: ["/bin/sh", "-c", "trap 'exit 0' TERM INT; sleep infinity & wait"] }
  },
  { name: "busybox", fill: rootfs.busybox, config: { Env: [pathOf("")], Cmd: ["sh"] } },
  {
    name: "postgres",
    fill: rootfs.postgres,
    config: {
      Env: [pathOf("/usr/lib/postgresql/15/bin:"), "LANG=C.UTF-8", "PGHOST=/tmp", "PGUSER=postgres"],
      Entrypoint: ["/usr/local/bin/start-postgres"],
      Cmd: ["postgres"],
      User: "999:999",
      StopSignal: "SIGINT"
    }
  },
  {
    name: "redis",
    fill: rootfs.redis,
    config: { Env: [pathOf("")], Cmd: ["redis-server"], User: "999:999", WorkingDir: "/data" }
  },
  {
    name: "mariadb",
    fill: rootfs.mariadb,
    config: {
      Env: [pathOf("")],
      Entrypoint: ["/usr/local/bin/start-mariadb"],
      Cmd: ["mariadbd"],
      User: "999:999"
    }
  },
  { name: "etcd", fill: rootfs.etcd, config: { Env: [pathOf("")], Cmd: ["etcd"], User: "999:999" } },
  { name: "node", fill: rootfs.node, config: { Env: [pathOf("")], Cmd: ["node"], User: "999:999" } }
]

const recipe = ["images.ts", "rootfs.ts", "start-postgres", "start-mariadb"].map((name) =>
  readFileSync(join(import.meta.dirname, name))
)
const home = join(
  cache,
  `images-${createHash("sha256")
    .update(`${process.arch} ${process.version}`)
    .update(basename(built("kubernetes")))
    .update(Buffer.concat(recipe))
    .digest("hex")
    .slice(0, 16)}`
)

export const files: ReadonlyArray<string> = images.map((image) => join(home, `${image.name}.tar`))

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

const kind = (name: string): string => `application/vnd.oci.image.${name}`

/** Writes an OCI layout archive with one layer. */
const archive = async (image: Image, root: string, work: string, target: string): Promise<void> => {
  const blobs = join(work, "layout", "blobs", "sha256")
  mkdirSync(blobs, { recursive: true })
  const keep = (mediaType: string, bytes: Buffer): Descriptor => {
    const digest = createHash("sha256").update(bytes).digest("hex")
    writeFileSync(join(blobs, digest), bytes)
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length }
  }
  const json = (mediaType: string, value: unknown): Descriptor =>
    keep(mediaType, Buffer.from(JSON.stringify(value)))

  const layerFile = join(work, "layer.tar")
  await run("tar", ["--sort=name", "--numeric-owner", "--mtime=@0", "-cf", layerFile, "-C", root, "."])
  const layer = keep(kind("layer.v1.tar"), readFileSync(layerFile))
  const config = json(kind("config.v1+json"), {
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    config: image.config,
    rootfs: { type: "layers", diff_ids: [layer.digest] }
  })
  const manifest = json(kind("manifest.v1+json"), {
    schemaVersion: 2,
    mediaType: kind("manifest.v1+json"),
    config,
    layers: [layer]
  })
  const name = `docker.io/local/${image.name}:1`
  const index = { ...manifest, annotations: { "io.containerd.image.name": name } }
  const layout = join(work, "layout")
  writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [index] }))
  writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }))
  await run("tar", ["-cf", target, "-C", layout, "."])
}

const make = async (image: Image, folder: string): Promise<void> => {
  const work = mkdtempSync(join(tmpdir(), "bed-image-"))
  try {
    const root = join(work, "root")
    await image.fill(root)
    await archive(image, root, work, join(folder, `${image.name}.tar`))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

export const build = (): Promise<void> =>
  alone(async () => {
    if (existsSync(home)) return
    const half = `${home}.half`
    rmSync(half, { recursive: true, force: true })
    mkdirSync(half, { recursive: true })
    for (const image of images) {
      await phase(`image ${image.name}`, () => make(image, half))
    }
    renameSync(half, home)
  })
