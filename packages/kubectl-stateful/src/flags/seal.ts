/** The recipients of an exported snapshot, and the key to decrypt it. */
import { createReadStream } from "node:fs"
import { textOf } from "@kubectl-stateful/sdk/Manifest"
import type { OpenWith, SealFor } from "@kubectl-stateful/sdk/SnapshotTransfer"
import { string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { Usage } from "../command/usage.ts"

export const sealFlags = {
  recipient: string({
    summary: "age recipient (public key) to encrypt for; may be repeated.",
    helpValue: "KEY",
    multiple: true,
    multipleNonGreedy: true
  }),
  "passphrase-file": string({
    summary: "Encrypt or decrypt with the passphrase in this file.",
    helpValue: "FILE"
  }),
  "identity-file": string({ summary: "age identity file to decrypt with.", helpValue: "FILE" })
}
type Flags = InferredFlags<typeof sealFlags>

/** A file of keys or of a passphrase has no more than this. */
const largestKey = 64 * 1024

/** Reason that a file cannot be used. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "it cannot be read"

/** A file that has no more than `most` bytes. It may grow while it is read, and a pipe has no size. */
export const readBytes = async (path: string, most: number, what: string): Promise<Uint8Array> => {
  try {
    const chunks: Array<Buffer> = []
    for await (const chunk of createReadStream(path, { end: most })) chunks.push(Buffer.from(chunk))
    const bytes = Buffer.concat(chunks)
    if (bytes.length <= most) return bytes
  } catch (error) {
    throw new Usage(`cannot read the ${what} ${path}: ${codeOf(error)}`, "use the path of a readable file")
  }
  throw new Usage(`the ${what} ${path} has more than ${most} bytes`, "use another file")
}

/** Without the end of its line. */
const passphraseIn = async (path: string): Promise<string> => {
  const text = textOf(await readBytes(path, largestKey, "passphrase file"))
  const passphrase = text.replace(/\r?\n$/, "")
  if (passphrase === "") throw new Usage(`the passphrase file ${path} is empty`, "write a passphrase into it")
  return passphrase
}

/** The recipients of the encryption; never empty. */
export const sealFor = async ({ recipient, "passphrase-file": file }: Flags): Promise<SealFor> => {
  if ((recipient === undefined) === (file === undefined)) {
    throw new Usage("exactly one of --recipient and --passphrase-file is required", "use one of the two")
  }
  return file === undefined ? { recipients: recipient ?? [] } : { passphrase: await passphraseIn(file) }
}

/** By whom. */
export const openWith = async ({
  "identity-file": identities,
  "passphrase-file": passphrase
}: Flags): Promise<OpenWith> => {
  if ((identities === undefined) === (passphrase === undefined)) {
    throw new Usage("exactly one of --identity-file and --passphrase-file is required", "use one of the two")
  }
  if (passphrase !== undefined) return { passphrase: await passphraseIn(passphrase) }
  const text = textOf(await readBytes(identities ?? "", largestKey, "identity file"))
  const lines = text.split("\n").map((line) => line.trim())
  return { identities: lines.filter((line) => line !== "" && !line.startsWith("#")) }
}
