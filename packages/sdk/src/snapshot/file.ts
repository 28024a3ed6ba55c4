/**
 * A snapshot's record as a file: encrypted with age (age-encryption.org/v1), since it contains the values of
 * Secrets. The only importer of that library, which is loaded when first used.
 *
 * The content of a file is only as trustworthy as its author.
 */
import { gunzipSync, gzipSync } from "node:zlib"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { because, type OperationError } from "../operation/OperationError.ts"
import { SnapshotRecord } from "../step/record.ts"

const { Literal, NullOr, String, Struct } = Schema

const library = Effect.promise(() => import("age-encryption"))

/** The content of a file. */
export const SnapshotExport = Struct({
  apiVersion: Literal("kubectl-stateful.dev/v1"),
  kind: Literal("SnapshotExport"),
  /** The cluster that it comes from, by the uid of its namespace kube-system; `null` if unknown. */
  cluster: NullOr(String),
  record: SnapshotRecord
})
export type SnapshotExport = typeof SnapshotExport.Type

/** For whom it is encrypted: who has the identity of a recipient, or knows the passphrase. */
export type SealFor =
  | { readonly recipients: ReadonlyArray<string> }
  | {
      readonly passphrase: string
      /** The work of a guess, as a power of two. Default: the library's. */
      readonly workFactor?: number
    }

/** The key to decrypt it. */
export type OpenWith = { readonly identities: ReadonlyArray<string> } | { readonly passphrase: string }

/**
 * The maximum size of a file, and of its uncompressed content: a file from another author may decompress to
 * any size.
 */
export const largestFile = 128 * 1024 * 1024
const largest = 256 * 1024 * 1024

const opening = "age-encryption.org/v1\n"
/** In the header of a file that is encrypted with a passphrase. */
const passphraseStanza = /^age-encryption\.org\/v1\n-> scrypt /

const unusable = (message: string, action: string): OperationError => because("Mismatch", message, action)

/** The encrypted file. Fails if a recipient is invalid. */
export const seal = (content: SnapshotExport, sealFor: SealFor): Effect.Effect<Uint8Array, OperationError> =>
  Effect.flatMap(library, (age) =>
    Effect.tryPromise({
      try: () => {
        const encrypter = new age.Encrypter()
        if ("passphrase" in sealFor) {
          encrypter.setPassphrase(sealFor.passphrase)
          if (sealFor.workFactor !== undefined) encrypter.setScryptWorkFactor(sealFor.workFactor)
        } else {
          for (const recipient of sealFor.recipients) encrypter.addRecipient(recipient)
        }
        return encrypter.encrypt(gzipSync(JSON.stringify(content)))
      },
      catch: () =>
        unusable("this is not an age recipient", "use one that begins with age1: `age-keygen` creates them")
    })
  )

const head = (file: Uint8Array): string => Buffer.from(file.subarray(0, 64)).toString("latin1")

/** Reason that a file cannot be opened at all, or not with this key; `null` if it can. */
const notOpened = (file: Uint8Array, key: OpenWith): OperationError | null => {
  if (file.length > largestFile) {
    return unusable(
      `the file has ${file.length} bytes, more than the ${largestFile} of the largest snapshot`,
      "it is not an export of a snapshot"
    )
  }
  if (!head(file).startsWith(opening)) {
    return unusable("the file is not encrypted with age", "use a file that `snapshots export` wrote")
  }
  const isPassphrase = passphraseStanza.test(head(file))
  if (isPassphrase === "passphrase" in key) return null
  return isPassphrase
    ? unusable("the file is encrypted with a passphrase", "use --passphrase-file")
    : unusable("the file is encrypted for recipients", "use --identity-file")
}

const decrypted = (file: Uint8Array, key: OpenWith): Effect.Effect<Uint8Array, OperationError> =>
  Effect.gen(function* () {
    const age = yield* library
    const decrypter = yield* Effect.try({
      try: () => {
        const made = new age.Decrypter()
        if ("passphrase" in key) made.addPassphrase(key.passphrase)
        else for (const identity of key.identities) made.addIdentity(identity)
        return made
      },
      catch: () =>
        unusable("the identity file has no age identity", "use one that begins with AGE-SECRET-KEY-1")
    })
    return yield* Effect.tryPromise({
      try: () => decrypter.decrypt(file),
      catch: (error) =>
        messageOf(error).includes("no identity matched")
          ? "passphrase" in key
            ? unusable("the passphrase is wrong", "give the one that it was exported with")
            : unusable("the file is for other recipients", "use the identity of one of them")
          : damaged()
    })
  })

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : "")

const damaged = (): OperationError =>
  unusable("the file is damaged or truncated", "copy it again from the original")

const unpacked = (bytes: Uint8Array): Result.Result<unknown, unknown> =>
  Result.try((): unknown => JSON.parse(gunzipSync(bytes, { maxOutputLength: largest }).toString("utf8")))

/**
 * The content of a file. Fails with one line if it is not one of ours, is damaged, too large or for other
 * recipients.
 */
export const open = (file: Uint8Array, key: OpenWith): Effect.Effect<SnapshotExport, OperationError> =>
  Effect.gen(function* () {
    const why = notOpened(file, key)
    if (why !== null) return yield* why
    const content = unpacked(yield* decrypted(file, key))
    const decoded = Result.isSuccess(content)
      ? Schema.decodeUnknownResult(SnapshotExport)(content.success)
      : content
    return Result.isSuccess(decoded)
      ? decoded.success
      : yield* unusable(
          "the file contains no snapshot that this version can read",
          "use a file that `snapshots export` wrote"
        )
  })
