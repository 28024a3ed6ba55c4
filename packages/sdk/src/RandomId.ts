/** Identifiers by chance. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

/** 8 hex digits. */
export const randomId: Effect.Effect<string> = Effect.map(Random.nextIntBetween(0, 0xffff_ffff), (number) =>
  number.toString(16).padStart(8, "0")
)
