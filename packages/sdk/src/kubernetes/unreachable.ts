/** Explanations of a failed connection, as kubectl gives them. */
import * as Predicate from "effect/Predicate"
import { ClusterError, type Reason, type Request } from "../Cluster.ts"
import { isWrite, outcomeUnknown } from "../resource/Status.ts"

const codeOf = (error: unknown): string =>
  Predicate.hasProperty(error, "code") && typeof error.code === "string" ? error.code : ""

const speaksNoHttp = (error: unknown): boolean => error instanceof Error && error.name === "HTTPParserError"

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

// A socket tried on several addresses fails with one error for each.
const innermost = (error: unknown): unknown =>
  error instanceof AggregateError && error.errors.length > 0 ? innermost(error.errors[0]) : error

interface Explanation {
  readonly reason: Reason
  readonly message: string
  readonly action: string
}

const unavailable: Reason = { _tag: "Unavailable" }
const config: Reason = { _tag: "Config" }

const authority =
  "set certificate-authority of this cluster to the authority that signed the server's certificate"

const unable = (why: string, reason: Reason, action: string): Explanation => ({
  reason,
  message: `Unable to connect to the server: ${why}`,
  action
})

/** The point at which the connection to the server fails; `null` if the code is none of these. */
const explainNetwork = (code: string, error: unknown, server: URL): Explanation | null => {
  switch (code) {
    case "ECONNREFUSED":
      return {
        reason: unavailable,
        message: `The connection to the server ${server.host} was refused - did you specify the right host or port?`,
        action: "check that the cluster is up, or choose another with --context"
      }
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return unable(
        `lookup ${Predicate.hasProperty(error, "hostname") ? String(error.hostname) : server.hostname}: no such host`,
        unavailable,
        "check the server's name in the kubeconfig, and this machine's DNS"
      )
    case "ETIMEDOUT":
      return unable(
        `dial tcp ${server.host}: i/o timeout`,
        unavailable,
        "check the network, the VPN and the proxy to this cluster"
      )
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return unable(`dial tcp ${server.host}: no route to host`, unavailable, "check the network or the VPN")
    default:
      return null
  }
}

/** Reason that a TLS connection failed; `null` if it is not a TLS error. */
const explainTls = (code: string, error: unknown, server: URL): Explanation | null => {
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return unable(
        `the certificate of ${server.host} has expired`,
        config,
        "have the server's certificate renewed, and check this machine's clock"
      )
    case "CERT_NOT_YET_VALID":
      return unable(
        `the certificate of ${server.host} is not valid yet`,
        config,
        "check the clocks of this machine and of the server"
      )
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "CERT_SIGNATURE_FAILURE":
      return unable(`the certificate of ${server.host} is signed by an unknown authority`, config, authority)
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return unable(
        `the certificate of ${server.host} is for another name: ${Predicate.hasProperty(error, "reason") ? String(error.reason) : ""}`.replace(
          /(?<![:. ])[:. ]+$/,
          ""
        ),
        config,
        "correct the server's address, or set tls-server-name to the certificate's name"
      )
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return unable(
        `${server.host} does not speak TLS`,
        config,
        "use http:// in the server's address, or another port"
      )
    default:
      return code.startsWith("ERR_SSL_") && code.includes("ALERT")
        ? unable(
            `${server.host} refused the TLS handshake`,
            config,
            "check the client certificate of this user: it may be expired or of another cluster"
          )
        : null
  }
}

const explain = (error: unknown, server: URL): Explanation => {
  const code = codeOf(error)
  const known = explainNetwork(code, error, server) ?? explainTls(code, error, server)
  if (known !== null) return known
  if (speaksNoHttp(error)) {
    return {
      reason: { _tag: "Unreadable" },
      message: `${server.host} does not speak HTTP`,
      action: "check the server's address and port"
    }
  }
  return unable(`${server.host}: ${messageOf(error)}`, unavailable, "check the network to this cluster")
}

/**
 * The error of an exchange that broke off. `sent`: its first byte may have left, so
 * that a write may have happened.
 */
export const unreachable = (
  cause: unknown,
  server: URL,
  request: Pick<Request, "method" | "path" | "query">,
  sent: boolean
): ClusterError => {
  if (cause instanceof ClusterError) return cause
  const error = innermost(cause)
  if (!sent) return new ClusterError(explain(error, server))
  if (isWrite(request)) return outcomeUnknown(request, "the answer was lost")
  if (speaksNoHttp(error)) return new ClusterError(explain(error, server))
  return new ClusterError({
    reason: unavailable,
    message: `${request.method} ${request.path}: the connection to ${server.host} was lost`,
    action: "check the network to this cluster and try again"
  })
}
