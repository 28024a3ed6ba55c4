import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { built } from "./build.ts"
import { run } from "./process.ts"

const postgresUser = 999

/** The folders of a merged /usr, which packages expect to be links before they are unpacked. */
const skeleton = (root: string): void => {
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    mkdirSync(join(root, "usr", name), { recursive: true })
    symlinkSync(join("usr", name), join(root, name))
  }
  for (const name of ["dev", "etc", "proc", "root", "run", "sys", "tmp", "var/run"]) {
    mkdirSync(join(root, name), { recursive: true })
  }
  chmodSync(join(root, "tmp"), 0o1777)
  const users = [
    "root:x:0:0::/root:/bin/sh",
    `postgres:x:${postgresUser}:${postgresUser}::/var/lib/postgresql:/bin/sh`
  ]
  writeFileSync(join(root, "etc/passwd"), `${users.join("\n")}\n`)
  writeFileSync(join(root, "etc/group"), `root:x:0:\npostgres:x:${postgresUser}:\n`)
  writeFileSync(join(root, "etc/nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\n")
}

/** Links every applet that no package brought as a program of its own. `wget -T` crashes in Debian 12's. */
const applets = async (root: string): Promise<void> => {
  copyFileSync("/bin/busybox", join(root, "usr/bin/busybox"))
  for (const name of (await run("/bin/busybox", ["--list"])).split("\n").filter(Boolean)) {
    const place = join(root, "usr/bin", name)
    if (!existsSync(place)) symlinkSync("busybox", place)
  }
}

export const busybox = async (root: string): Promise<void> => {
  skeleton(root)
  await applets(root)
}

/** Named by packages that the server needs, but of no use to it: the compiler for queries, Perl, scripts of installation. */
const unneeded =
  /^(libllvm|libz3|libperl|perl|postgresql-common|postgresql-client-common|ssl-cert|adduser|debconf|dpkg|tar_|openssl_|ucf|sensible-utils|lsb-base|sysvinit|init-system|mawk|bash_|dash_|coreutils|sed_|base-)/

/** Lets apt resolve for a machine on which nothing is installed, so that every library comes too. */
const download = async (packages: ReadonlyArray<string>, folder: string): Promise<ReadonlyArray<string>> => {
  const status = join(folder, "status")
  writeFileSync(status, "")
  mkdirSync(join(folder, "partial"))
  const options = [
    `Dir::State::status=${status}`,
    `Dir::Cache::archives=${folder}`,
    "APT::Install-Recommends=false"
  ]
  const flags = [...options, "APT::Sandbox::User=root"].flatMap((option) => ["-o", option])
  await run("apt-get", ["update", "-qq"])
  await run("apt-get", ["-y", "-qq", "-d", ...flags, "install", ...packages])
  return readdirSync(folder).filter((name) => name.endsWith(".deb") && !unneeded.test(name))
}

/** Fills the root as an installation would, but for the packages' scripts. */
const unpack = async (root: string, packages: ReadonlyArray<string>): Promise<void> => {
  skeleton(root)
  const folder = mkdtempSync(join(tmpdir(), "bed-packages-"))
  try {
    for (const name of await download(packages, folder)) {
      const script = `dpkg-deb --fsys-tarfile "$0" | tar -x -C "$1" --keep-directory-symlink`
      await run("sh", ["-c", script, join(folder, name), root])
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  for (const name of ["doc", "man", "locale", "i18n", "info", "perl", "lintian"]) {
    rmSync(join(root, "usr/share", name), { recursive: true, force: true })
  }
  await applets(root)
  await run("chroot", [root, "/usr/bin/env", "PATH=/usr/sbin:/usr/bin", "ldconfig"])
}

/** A script of this folder that begins the server. */
const starter = (root: string, name: string): void => {
  const target = join(root, "usr/local/bin", name)
  mkdirSync(join(root, "usr/local/bin"), { recursive: true })
  copyFileSync(join(import.meta.dirname, name), target)
  chmodSync(target, 0o755)
}

export const postgres = async (root: string): Promise<void> => {
  await unpack(root, ["libc-bin", "postgresql-15"])
  starter(root, "start-postgres")
  const state = join(root, "var/lib/postgresql")
  mkdirSync(state, { recursive: true })
  chownSync(state, postgresUser, postgresUser)
}

export const redis = async (root: string): Promise<void> => {
  await unpack(root, ["libc-bin", "redis-server"])
  mkdirSync(join(root, "data"))
}

export const mariadb = async (root: string): Promise<void> => {
  await unpack(root, ["libc-bin", "mariadb-server-core", "mariadb-client-core"])
  starter(root, "start-mariadb")
}

export const etcd = async (root: string): Promise<void> => {
  skeleton(root)
  await applets(root)
  mkdirSync(join(root, "usr/local/bin"), { recursive: true })
  for (const name of ["etcd", "etcdctl", "etcdutl"]) {
    copyFileSync(join(built("kubernetes"), name), join(root, "usr/local/bin", name))
  }
}

/** The Node that runs this very program, with the libraries that it is linked with. */
export const node = async (root: string): Promise<void> => {
  skeleton(root)
  await applets(root)
  mkdirSync(join(root, "usr/local/bin"), { recursive: true })
  copyFileSync(process.execPath, join(root, "usr/local/bin/node"))
  for (const [, library = ""] of (await run("ldd", [process.execPath])).matchAll(/(\/\S+) \(0x/g)) {
    const target = join(root, "usr", library)
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(library, target)
  }
}
