/** Whether an operation goes on, by the phase that its journal has. */
const over: ReadonlyArray<string> = ["Succeeded", "Aborted", "Incomplete"]

/** Whether an operation of this phase is over: nobody can take it up any more. */
export const isOver = (phase: string): boolean => over.includes(phase)
