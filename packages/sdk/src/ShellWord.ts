/** A name as one word of a command that people copy into a shell. */

const plain = /^[\w./:=,@%+-]+$/

/** Safe in a POSIX shell, whatever a server says its objects are called. */
export const shellWord = (text: string): string =>
  plain.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
