/** A new file that only its owner can read. */
import { open, rm } from "node:fs/promises"

/**
 * Writes it to the disk, or leaves nothing: half a file would be taken for a whole one. Never overwrites an existing
 * one.
 */
export const writeNew = async (
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>
): Promise<void> => {
  const file = await open(path, "wx", 0o600)
  try {
    try {
      await file.writeFile(content)
      // A file on the network may be refused only here, or when it is closed.
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
}
