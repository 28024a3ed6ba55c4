/** The phases of a pod. */

/** True for a phase that a pod does not leave: its containers have ended for good. */
export const isEnd = (phase: string | undefined): boolean => phase === "Succeeded" || phase === "Failed"
