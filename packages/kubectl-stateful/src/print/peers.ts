/** Peers: one line for each ordinal, and what is wrong with their names. */
import type { DnsCheck, Peer, Peers, Port } from "@kubectl-stateful/sdk/Discovery"
import * as Effect from "effect/Effect"
import { age } from "./age.ts"
import { documentText } from "./document.ts"
import { type Room, type Row, table } from "./table.ts"
import { ended, type Printable, visible } from "./terminal.ts"
import { blank, hanging, type Line, render, span, type Tone } from "./text.ts"

/** Peers for programs, with the DNS check if it was requested. */
export interface PeersDocument extends Peers {
  readonly dns?: DnsCheck
}

/** The layout, and the time of the view. */
export interface PeersLook extends Room {
  readonly output: "json" | "yaml" | "wide" | "name" | null
  readonly colour: boolean
  readonly now: string
}

const orNone = (text: string | null | undefined): string => text || "<none>"

const tones: Readonly<Record<Peer["availability"], Tone>> = {
  Ready: "good",
  NotReady: "bad",
  Leaving: "doubt",
  Missing: "bad"
}

const statusOf = ({ availability, draining, terminating }: Peer): string => {
  if (draining === true) return "Draining"
  return terminating ? "Terminating" : availability
}

const portText = ({ name, port, protocol }: Port): string =>
  `${name === "" ? "" : `${name}:`}${port}${protocol === "TCP" ? "" : `/${protocol}`}`

const dnsText = (peer: Peer, dns: DnsCheck | undefined): string => {
  const checked = dns?.names.find(({ name }) => name === peer.name)
  if (checked !== undefined) return checked.verdict
  return peer.resolvable === null ? "<unknown>" : peer.resolvable ? "yes" : "no"
}

const header = ["NAME", "STATUS", "DNS", "IP", "NODE", "ZONE", "AGE"]
const wideHeader = [...header, "FQDN", "IPV6", "PORTS", "REVISION"]

const rowOf = (peer: Peer, { dns, source, problems }: PeersDocument, { output, now }: PeersLook): Row => {
  const { name, ipv4, ipv6, node, zone, since, fqdn, ports, revision, reason } = peer
  const isUnread = source === "none"
  const cells = [
    name,
    isUnread ? "<unknown>" : span(statusOf(peer), tones[peer.availability]),
    dnsText(peer, dns),
    isUnread ? "<unknown>" : orNone(ipv4 ?? (output === "wide" ? null : ipv6)),
    isUnread ? "<unknown>" : orNone(node),
    isUnread ? "<unknown>" : orNone(zone),
    since === null ? (source === "pods" ? "<none>" : "<unknown>") : age(since, now),
    ...(output === "wide"
      ? [
          orNone(fqdn),
          orNone(ipv6),
          ports === null ? "<unknown>" : orNone(ports.map(portText).join(",")),
          orNone(revision)
        ]
      : [])
  ]
  // What is printed below for all of them is not repeated for each one.
  const isSaid = reason === null || problems.some(({ message }) => message === reason)
  return isSaid ? { cells } : { cells, note: reason }
}

const page = (peers: PeersDocument, look: PeersLook): ReadonlyArray<Line> => {
  const { output, columns } = look
  const wide = output === "wide"
  const said = [
    ...peers.problems.map(({ message }) => message),
    ...new Set(peers.dns?.names.flatMap(({ message }) => message ?? []))
  ]
  const rows = peers.peers.map((peer) => rowOf(peer, peers, look))
  return [
    ...table(wide ? wideHeader : header, rows, wide ? { columns } : look),
    ...(said.length > 0 && rows.length > 0 ? [blank] : []),
    ...said.flatMap((message) => hanging("! ", message, columns))
  ]
}

/** One view, in the output format that was asked for. */
export const peersText = (peers: PeersDocument, look: PeersLook): Effect.Effect<Printable> => {
  const { output } = look
  if (output === "json" || output === "yaml") return documentText(peers, output)
  if (output === "name") return Effect.succeed(ended(peers.peers.map(({ name }) => visible(`pod/${name}`))))
  return Effect.succeed(render(page(peers, look), look.colour))
}
