/**
 * A key and a self-signed certificate for a server on this machine, created for each server and kept only
 * in memory: a client that trusts it trusts only this process.
 */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto"
import * as Der from "./Der.ts"

export interface Certificate {
  /** PEM. */
  readonly cert: string
  /** PEM. Never leaves the process. */
  readonly key: string
}

const ecdsaWithSha256 = Der.sequence(Der.objectIdentifier("1.2.840.10045.4.3.2"))

const hour = 3_600_000
const validity = 365 * 24 * hour

const commonName = (name: string): Uint8Array =>
  Der.sequence(Der.set(Der.sequence(Der.objectIdentifier("2.5.4.3"), Der.utf8String(name))))

const extension = (id: string, critical: boolean, value: Uint8Array): Uint8Array =>
  Der.sequence(Der.objectIdentifier(id), ...(critical ? [Der.yes] : []), Der.octetString(value))

const dnsName = (name: string): Uint8Array => Der.tagged(0x82, Buffer.from(name))
const ipAddress = (...bytes: ReadonlyArray<number>): Uint8Array => Der.tagged(0x87, Uint8Array.from(bytes))

/** By these names a server on the loopback is reached. RFC 5280, 4.2. */
const extensions = Der.tagged(
  0xa3,
  Der.sequence(
    // Basic constraints: no authority; it vouches for itself only.
    extension("2.5.29.19", true, Der.sequence()),
    // Key usage: digitalSignature.
    extension("2.5.29.15", true, Der.bitString(Uint8Array.of(0x80), 7)),
    // Extended key usage: serverAuth.
    extension("2.5.29.37", false, Der.sequence(Der.objectIdentifier("1.3.6.1.5.5.7.3.1"))),
    extension(
      "2.5.29.17",
      false,
      Der.sequence(
        dnsName("localhost"),
        dnsName("kubernetes"),
        ipAddress(127, 0, 0, 1),
        ipAddress(...Array.from({ length: 15 }, () => 0), 1)
      )
    )
  )
)

const pem = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der)
    .toString("base64")
    .replaceAll(/.{64}(?=.)/g, "$&\n")}\n-----END CERTIFICATE-----\n`

/** Valid for a year from `now`, in milliseconds since 1970; an hour before it too, for clocks that are behind. */
export const make = (now: number): Certificate => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" })
  const name = commonName("kubectl-stateful sandbox")
  const unsigned = Der.sequence(
    // Version 3.
    Der.tagged(0xa0, Der.integer(Uint8Array.of(2))),
    Der.integer(Uint8Array.of(1, ...randomBytes(15))),
    ecdsaWithSha256,
    name,
    Der.sequence(Der.utcTime(now - hour), Der.utcTime(now + validity)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    extensions
  )
  const signature = sign("sha256", unsigned, privateKey)
  return {
    cert: pem(Der.sequence(unsigned, ecdsaWithSha256, Der.bitString(signature))),
    key: privateKey.export({ type: "pkcs8", format: "pem" })
  }
}
