/** Times as the API writes them. */

/** RFC 3339 in whole seconds, cut off, as `metav1.Time` is written. */
export const fromMillis = (millis: number): string => `${new Date(millis).toISOString().slice(0, 19)}Z`

/** RFC 3339 with microseconds, as `metav1.MicroTime` is written. */
export const microFromMillis = (millis: number): string =>
  `${new Date(millis).toISOString().slice(0, 23)}000Z`

/** Milliseconds since 1970; NaN for what is not a time. */
export const toMillis = (timestamp: string): number => Date.parse(timestamp)
