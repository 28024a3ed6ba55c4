/** `snapshots export` and `import`: a snapshot's record as an encrypted file, and back. */
import { open, readFile, stat } from "node:fs/promises"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { allowed } from "@kubectl-stateful/sdk/Operation"
import * as Transfer from "@kubectl-stateful/sdk/SnapshotTransfer"
import * as Effect from "effect/Effect"
import { confirmed } from "../../command/confirm.ts"
import { planText } from "../../print/plan.ts"
import { ended, visible } from "../../print/terminal.ts"
import { identity, shown } from "../../command/operation.ts"
import type { Screen } from "../../command/screen.ts"
import { Usage } from "../../command/usage.ts"

/** A file of keys or of a passphrase has no more than this. */
const largestKey = 64 * 1024

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "it cannot be read"

const readBytes = async (path: string, most: number, what: string): Promise<Uint8Array> => {
  try {
    const { size } = await stat(path)
    if (size <= most) return await readFile(path)
  } catch (error) {
    throw new Usage(`cannot read the ${what} ${path}: ${codeOf(error)}`, "give the path of a file")
  }
  throw new Usage(`the ${what} ${path} has more than ${most} bytes`, "give another file")
}

/** Without the end of its line. */
const passphraseIn = async (path: string): Promise<string> => {
  const text = Buffer.from(await readBytes(path, largestKey, "passphrase file")).toString("utf8")
  const passphrase = text.replace(/\r?\n$/, "")
  if (passphrase === "") throw new Usage(`the passphrase file ${path} is empty`, "write a passphrase into it")
  return passphrase
}

export interface SealAsked {
  readonly recipient: ReadonlyArray<string> | undefined
  readonly "passphrase-file": string | undefined
}

/** For whom; never for nobody. */
const sealFor = async ({ recipient, "passphrase-file": file }: SealAsked): Promise<Transfer.SealFor> => {
  if ((recipient === undefined) === (file === undefined)) {
    throw new Usage("for whom is it encrypted?", "give --recipient or --passphrase-file")
  }
  return file === undefined ? { recipients: recipient ?? [] } : { passphrase: await passphraseIn(file) }
}

/** A new file that only its owner reads: nothing that is there is written over. */
const write = async (path: string, bytes: Uint8Array): Promise<void> => {
  try {
    const file = await open(path, "wx", 0o600)
    await file.writeFile(bytes).finally(() => file.close())
  } catch (error) {
    throw new Usage(`cannot write ${path}: ${codeOf(error)}`, "give another name with --file")
  }
}

/** Fails as the promise does, with what there is to say. */
const told = <A>(promise: () => Promise<A>): Effect.Effect<A, Usage> =>
  Effect.tryPromise({
    try: promise,
    catch: (error) => (error instanceof Usage ? error : new Usage(codeOf(error), "look at the file"))
  })

export const exportSet = (
  screen: Screen,
  name: string,
  asked: SealAsked & { readonly file: string | undefined }
) =>
  Effect.gen(function* () {
    const { namespace } = (yield* Cluster).origin
    const key = yield* told(() => sealFor(asked))
    const bytes = yield* Transfer.exportSet({ namespace, name }, key)
    const path = asked.file ?? `${name}.age`
    yield* told(() => write(path, bytes))
    screen.out(ended([visible(`snapshot/${name} exported to ${path}`)]))
  })

export interface ImportAsked extends Transfer.ImportOptions {
  readonly "identity-file": string | undefined
  readonly "passphrase-file": string | undefined
  readonly yes: boolean
  readonly dryRun: "none" | "client" | "server"
  readonly output: string | undefined
}

const openWith = async (asked: ImportAsked): Promise<Transfer.OpenWith> => {
  const { "identity-file": identities, "passphrase-file": passphrase } = asked
  if ((identities === undefined) === (passphrase === undefined)) {
    throw new Usage("how is it opened?", "give --identity-file or --passphrase-file")
  }
  if (passphrase !== undefined) return { passphrase: await passphraseIn(passphrase) }
  const text = Buffer.from(await readBytes(identities ?? "", largestKey, "identity file")).toString("utf8")
  const lines = text.split("\n").map((line) => line.trim())
  return { identities: lines.filter((line) => line !== "" && !line.startsWith("#")) }
}

export const importSet = (screen: Screen, path: string, asked: ImportAsked) =>
  Effect.gen(function* () {
    const { namespace } = (yield* Cluster).origin
    const { yes, output, dryRun: mode } = asked
    const key = yield* told(() => openWith(asked))
    const file = yield* told(() => readBytes(path, Transfer.largestFile, "file"))
    const prepared = yield* Transfer.prepareImport(namespace, file, key, asked)
    if (mode !== "none") {
      const tried = yield* Transfer.dryRun(prepared.plan, mode)
      screen.out(yield* planText(tried, output, mode))
      // As the run would end.
      yield* allowed(tried)
      return
    }
    yield* allowed(prepared.plan)
    if (!yes) screen.err(yield* planText(prepared.plan, undefined, "client"))
    yield* confirmed(screen, { yes, what: "nothing was imported" })
    yield* shown(screen, output, (report) =>
      Transfer.run(prepared, { ...asked, identity: identity(), report })
    )
  })
