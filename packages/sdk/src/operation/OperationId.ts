/**
 * An operation's id in what people read. Leases, annotations and journals are written by whoever may
 * write them, and a command in a hint is copied into a shell: only an id of our own form stands in one.
 */

/** Eight hex digits, as `newId` makes them. */
export const isOperationId = (text: string): boolean => /^[0-9a-f]{8}$/.test(text)

/** Where an id cannot be said. */
export const lookAtOperations = "look at `kubectl stateful operations`"

/** `operation 44b98c3f`, or without an id that is none. */
export const operationTitle = (id: string): string => (isOperationId(id) ? `operation ${id}` : "an operation")

/** How an operation goes back that cannot go on. */
export const wayBack = (id: string): string =>
  isOperationId(id) ? `\`kubectl stateful abort ${id}\` puts the rest back` : lookAtOperations

/** How an operation is taken up. */
export const wayOn = (id: string): string =>
  isOperationId(id)
    ? `\`kubectl stateful resume ${id}\` goes on, \`abort ${id}\` goes back`
    : lookAtOperations

/** How an operation is ended that nothing else ends; a name that no StatefulSet can have is not said. */
export const lastWay = (app: string): string =>
  `\`abort ${/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(app) ? app : "NAME"} --without-journal\``
