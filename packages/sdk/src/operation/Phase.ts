/** The phase in a journal, and whether the operation can continue. */
const over: ReadonlyArray<string> = ["Succeeded", "Aborted", "Incomplete"]

/** True if an operation of this phase is finished and cannot be resumed. */
export const isOver = (phase: string): boolean => over.includes(phase)
