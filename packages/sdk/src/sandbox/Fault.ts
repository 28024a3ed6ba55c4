/** Faults come next; this value keeps the entry's shape. */
export const none = "none"
