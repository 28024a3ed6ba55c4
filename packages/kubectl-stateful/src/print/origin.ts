/** Warnings about the connection to the cluster. */
import type { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { type Visible, visible } from "./terminal.ts"

/** For a kubeconfig that turns the check of the server's certificate off. */
export const insecureLine = ({ server, context }: Cluster["Service"]["origin"]): Visible => {
  const where = context === null ? server : `${server} (context "${context}")`
  return visible(
    `Warning: the certificate of ${where} is not verified (insecure-skip-tls-verify in the kubeconfig): traffic can be intercepted; set certificate-authority instead`
  )
}
