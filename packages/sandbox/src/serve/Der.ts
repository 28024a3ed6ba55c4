/** The few shapes of DER (X.690) that a certificate is written in. */

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17
} as const

const length = (size: number): Uint8Array => {
  if (size < 0x80) return Uint8Array.of(size)
  const bytes: Array<number> = []
  for (let left = size; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256)
  return Uint8Array.of(0x80 + bytes.length, ...bytes)
}

/** Any tag around bytes that are encoded already. */
export const tagged = (tag: number, ...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const content = Buffer.concat(parts)
  return Buffer.concat([Uint8Array.of(tag), length(content.length), content])
}

export const sequence = (...items: ReadonlyArray<Uint8Array>): Uint8Array => tagged(tags.sequence, ...items)
export const set = (...items: ReadonlyArray<Uint8Array>): Uint8Array => tagged(tags.set, ...items)
export const octetString = (bytes: Uint8Array): Uint8Array => tagged(tags.octetString, bytes)
export const utf8String = (text: string): Uint8Array => tagged(tags.utf8String, Buffer.from(text))
export const yes: Uint8Array = tagged(tags.boolean, Uint8Array.of(0xff))

/** Not negative; big-endian. */
export const integer = (bytes: Uint8Array): Uint8Array => {
  const first = bytes.findIndex((byte) => byte !== 0)
  const significant = first < 0 ? Uint8Array.of(0) : bytes.subarray(first)
  // A leading one bit would make it negative.
  return (significant[0] ?? 0) >= 0x80
    ? tagged(tags.integer, Uint8Array.of(0), significant)
    : tagged(tags.integer, significant)
}

/** `unused`: bits at the end that do not count. */
export const bitString = (bytes: Uint8Array, unused = 0): Uint8Array =>
  tagged(tags.bitString, Uint8Array.of(unused), bytes)

/** From dotted text, such as `2.5.29.17`. */
export const objectIdentifier = (dotted: string): Uint8Array => {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const septets = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      septets.unshift(0x80 + (left % 128))
    }
    bytes.push(...septets)
  }
  return tagged(tags.objectIdentifier, Uint8Array.from(bytes))
}

/** Whole seconds. Two digits of the year, as RFC 5280 wants it up to 2049. */
export const utcTime = (millis: number): Uint8Array =>
  tagged(tags.utcTime, Buffer.from(`${new Date(millis).toISOString().slice(2, 19).replaceAll(/\D/g, "")}Z`))
