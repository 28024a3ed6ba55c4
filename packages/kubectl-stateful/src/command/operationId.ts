/** An operation on the command line: its id, or `operation/ID` as `-o name` prints it. */

const prefix = /^operations?\//

/** True if the word can be nothing else. */
export const saysOperation = (word: string): boolean => prefix.test(word)

/** The id, or its beginning. */
export const operationId = (word: string): string => word.replace(prefix, "")
