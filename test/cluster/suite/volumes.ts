/** What became of volumes, and whether the data from before can be read from them. */
import { assert } from "vitest"
import { kubectl } from "./commands.ts"
import { get } from "./read.ts"
import { claim, type Member, type Neighbourhood, until } from "./neighbour.ts"

interface Object {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
    readonly ownerReferences?: ReadonlyArray<{ readonly kind: string }>
  }
}
export interface Volume extends Object {
  readonly spec: {
    readonly persistentVolumeReclaimPolicy: string
    readonly claimRef?: { readonly namespace: string; readonly name: string; readonly uid?: string }
  }
  readonly status: { readonly phase: string }
}
interface List<T> {
  readonly items: ReadonlyArray<T>
}

export const volumes = async (): Promise<ReadonlyMap<string, Volume>> =>
  new Map((await get<List<Volume>>(["pv"])).items.map((each) => [each.metadata.name, each]))

/** Resolves once no claim has the volume any more. */
export const released = (volume: string) =>
  until(`${volume} is released`, async () =>
    (await volumes()).get(volume)?.status.phase === "Released" ? true : null
  )

/**
 * `claimed`: its claim has it, and nothing will take it away. `retained`: its claim is gone or goes, and
 * the volume stays, with the claim that it had. `going`: it goes with its claim. `lost`: it is gone.
 */
export type Fate = "claimed" | "retained" | "going" | "lost"

const fateOf = (member: Member, claims: ReadonlyArray<Object>, volume: Volume | undefined): Fate => {
  if (volume === undefined) return "lost"
  const mine = claims.find(({ metadata }) => metadata.uid === member.uid)?.metadata
  // The controller makes a pod that leaves for good the owner of its claim, which goes with it then.
  const isDoomed = (mine?.ownerReferences ?? []).some(({ kind }) => kind === "Pod")
  if (mine !== undefined && !mine.deletionTimestamp && !isDoomed) return "claimed"
  const { persistentVolumeReclaimPolicy, claimRef } = volume.spec
  return persistentVolumeReclaimPolicy === "Retain" && claimRef?.uid === member.uid ? "retained" : "going"
}

/** Where each member's volume ends, by the claim's name, once nothing is under way any more. */
export const fates = async (
  { n }: Neighbourhood,
  members: ReadonlyArray<Member>
): Promise<Readonly<Record<string, Fate>>> => {
  const end = Date.now() + 20_000
  for (;;) {
    const [claims, all] = await Promise.all([get<List<Object>>(["pvc", ...n]), volumes()])
    const now = members.map((each) => [each.claim, fateOf(each, claims.items, all.get(each.volume))] as const)
    if (now.every(([, fate]) => fate !== "going") || Date.now() > end) return Object.fromEntries(now)
    await new Promise((resume) => setTimeout(resume, 250))
  }
}

/** A claim through which a reader can mount the member's volume: its own, or a new one for a volume that was released. */
const claimFor = async (space: Neighbourhood, { claim: name, uid, volume }: Member): Promise<string> => {
  const claims = await get<List<Object>>(["pvc", ...space.n])
  if (claims.items.some(({ metadata }) => metadata.uid === uid)) return name
  // Never free on the way: the scheduler would give it to the next claim that waits for any volume.
  const claimRef = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    namespace: space.name,
    name: `saved-${name}`
  }
  const reserve = [{ op: "replace", path: "/spec/claimRef", value: claimRef }]
  await kubectl(["patch", "pv", volume, "--type=json", "-p", JSON.stringify(reserve)])
  await space.apply(claim(`saved-${name}`, { volumeName: volume }))
  return `saved-${name}`
}

/** The mark in each member's volume, by the claim's name: read through its pod, or where it has none by a reader's. */
export const marks = async (
  space: Neighbourhood,
  members: ReadonlyArray<Member>
): Promise<Readonly<Record<string, string>>> => {
  const found: Record<string, string> = {}
  const claims = await get<List<Object>>(["pvc", ...space.n])
  const pods = await kubectl(["get", "pods", ...space.n, "-l", "app=db", "-o", "name"])
  const unread: Array<Member> = []
  for (const member of members) {
    const isMounted =
      pods.split("\n").includes(`pod/${member.pod}`) &&
      claims.items.some(({ metadata }) => metadata.uid === member.uid)
    if (!isMounted) unread.push(member)
    else found[member.claim] = await kubectl(["exec", ...space.n, member.pod, "--", "cat", "/data/mark"])
  }
  if (unread.length > 0) {
    const mounted = await Promise.all(
      unread.map(async (member) => ({ key: member.claim, name: await claimFor(space, member) }))
    )
    await space.apply(reader(mounted))
    await kubectl([
      "wait",
      ...space.n,
      "pod/reader",
      "--for=jsonpath={.status.phase}=Succeeded",
      "--timeout=60s"
    ])
    const lines = (await kubectl(["logs", ...space.n, "reader"])).split("\n")
    for (const [index, { key }] of mounted.entries()) found[key] = lines[index] ?? ""
    await kubectl(["delete", ...space.n, "pod", "reader", "--wait=false"])
  }
  return Object.fromEntries(Object.entries(found).map(([key, mark]) => [key, mark.trim()]))
}

/** A pod that prints the mark in each of these claims, in their order. */
export const reader = (mounted: ReadonlyArray<{ readonly key: string; readonly name: string }>) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "reader" },
  spec: {
    restartPolicy: "Never",
    containers: [
      {
        name: "main",
        image: "docker.io/local/busybox:1",
        imagePullPolicy: "Never",
        command: ["cat", ...mounted.map(({ key }) => `/${key}/mark`)],
        volumeMounts: mounted.map(({ key }) => ({ name: key, mountPath: `/${key}` }))
      }
    ],
    volumes: mounted.map(({ key, name }) => ({ name: key, persistentVolumeClaim: { claimName: name } }))
  }
})

/** No volume is gone or about to go, and each has the data that its pod wrote; returns where each one ended. */
export const assertKept = async (
  space: Neighbourhood,
  members: ReadonlyArray<Member>,
  said = ""
): Promise<Readonly<Record<string, Fate>>> => {
  const now = await fates(space, members)
  const isLost = members.filter(({ claim }) => now[claim] === "lost" || now[claim] === "going")
  assert.deepEqual(
    isLost.map(({ claim, volume }) => `${claim}: volume ${volume} ${now[claim]}`),
    [],
    said
  )
  assert.deepEqual(
    await marks(space, members),
    Object.fromEntries(members.map(({ claim, mark }) => [claim, mark]))
  )
  return now
}

/** Volumes whose claims are there have the policy from before, and nothing on them says otherwise. */
export const assertPutBack = async (
  members: ReadonlyArray<Member>,
  where: Readonly<Record<string, Fate>>
): Promise<void> => {
  const all = await volumes()
  for (const { claim, volume } of members) {
    const is = all.get(volume)
    assert.equal(
      is?.spec.persistentVolumeReclaimPolicy,
      where[claim] === "claimed" ? "Delete" : "Retain",
      `${claim}, volume ${volume}`
    )
    if (where[claim] === "claimed")
      assert.notProperty(is?.metadata.annotations, "kubectl-stateful.dev/reclaim-policy-before")
  }
}

/** Volumes that were kept go with their namespaces: called before those are removed. */
export const letGo = async (namespaces: ReadonlySet<string>): Promise<void> => {
  const names = [...(await volumes()).values()].flatMap(({ metadata, spec }) =>
    namespaces.has(spec.claimRef?.namespace ?? "") ? [metadata.name] : []
  )
  const policy = '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}'
  if (names.length > 0) await kubectl(["patch", "pv", ...names, "--type=merge", "-p", policy])
}
