/**
 * Credentials in free text. Nothing that a report is made of contains one by itself; but a message of an
 * event, a driver or a hook is text of somebody's program, and a report is made to be passed on.
 */
import { eachText } from "./eachText.ts"

/** Instead of a credential. */
export const hidden = "<hidden>"

const forms: ReadonlyArray<readonly [pattern: RegExp, replacement: string]> = [
  // A JSON Web Token, as a ServiceAccount's is.
  [/(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(\.[\w-]*)?/g, hidden],
  [/\b(Bearer|Basic)\s+[\w~+/.=-]{6,}/gi, `$1 ${hidden}`],
  // User and password of a URL.
  // A password may have a slash or an @ in it, and a token for one is long; after a port comes a path.
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@<>:]{0,256}:(?!\d*\/)[^\s<>"']{1,2048}@/gi, `$1${hidden}@`],
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@<>]{1,256}@/gi, `$1${hidden}@`],
  // A field of JSON, also of JSON in a text of JSON.
  [
    /(["']\w{0,40}(?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key)\\{0,3}["']\s{0,4}:\s{0,4}\\{0,3}["'])(?:[^"'\\]|\\(?!\\{0,2}["']))+/gi,
    `$1${hidden}`
  ],
  [
    /(\b\w{0,40}(?:password|passwd|passphrase|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key)\w{0,40}=)(?:"[^"]*"|'[^']*'|[^\s,;&"']+)/gi,
    `$1${hidden}`
  ],
  // A flag and its next word, and a line of YAML.
  [
    /(--[\w-]{0,40}(?:password|passwd|passphrase|secret|token|api-?key)\s{1,4})(?!-)(?:"[^"]*"|'[^']*'|[^\s,;&"']+)/gi,
    `$1${hidden}`
  ],
  [/(\b\w{0,40}(?:password|passwd|passphrase):\s{1,4})(?:"[^"]*"|'[^']*'|[^\s,;&"']+)/gi, `$1${hidden}`],
  // Headers of HTTP.
  [
    /(\b(?:(?:proxy-)?authorization|x-[\w-]{0,40}(?:token|key|secret|password))\s{0,4}:\s{0,4}(?:(?:Bearer|Basic|Digest|Negotiate|ApiKey|Token)\s{1,4})?)[^\s"',;][^\r\n"',;]{0,2048}/gi,
    `$1${hidden}`
  ],
  [/(\b(?:set-)?cookie\s{0,4}:\s{0,4})[^\s"'][^\r\n"']{0,2048}/gi, `$1${hidden}`],
  // What says by its own prefix what it is: keys of age, tokens of GitHub, GitLab, Slack and Vault.
  [/\b(?:AGE-SECRET-KEY-1|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|hvs\.)\w[\w-]{9,}/g, hidden],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, hidden]
]

/** The text without what has the form of a credential. */
export const withoutCredentials = (text: string): string =>
  forms.reduce((left, [pattern, replacement]) => left.replace(pattern, replacement), text)

/** The same for every text of a value. */
export const clean = <A>(value: A): A => eachText(value, withoutCredentials)
