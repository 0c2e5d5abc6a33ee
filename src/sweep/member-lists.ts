/** What peers say of who belongs to the network, joined into the own storage server's lists. */
import type { Hello } from '../peers/protocol.ts';
import { MemberRetired, type ReplicaClient } from '../peers/replica-client-api.ts';

/** Nothing is sent when nothing is new. A replica that takes no writes cannot remember it, and need not. */
export async function joinLists(local: ReplicaClient, hellos: readonly Hello[]): Promise<void> {
  const own = await local.hello();
  const known = new Set([...own.members, ...own.retired]);
  const met = new Set(hellos.flatMap(({ members }) => members.filter((member) => !known.has(member))));
  const retired = new Set(hellos.flatMap((hello) => hello.retired.filter((id) => !own.retired.includes(id))));
  if (own.readOnly !== null || met.size + retired.size === 0) return;
  await local.members.join({ met: [...met], retired: [...retired] });
}

/** Peers that refuse a retired member tell it so, and nothing else: from then on it takes no writes. */
async function learnOwnRetirement(
  local: ReplicaClient,
  refusals: readonly PromiseSettledResult<Hello>[],
): Promise<void> {
  const told = refusals.some((each) => each.status === 'rejected' && each.reason instanceof MemberRetired);
  if (!told) return;
  const { member, retired, readOnly } = await local.hello();
  if (readOnly === null && !retired.includes(member)) {
    await local.members.join({ met: [], retired: [member] });
  }
}

/**
 * What a round learns from the answers it got at its beginning. The function returned says
 * who is a peer: no member that is retired, and nobody when this member itself is.
 */
export async function learnMembers(
  local: ReplicaClient,
  greetings: readonly PromiseSettledResult<Hello>[],
  dryRun: boolean,
): Promise<(hello: Hello) => boolean> {
  const hellos = greetings.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  if (!dryRun) {
    await learnOwnRetirement(local, greetings);
    await joinLists(local, hellos);
  }
  const { member, retired } = await local.hello();
  return (hello) => !retired.includes(member) && !retired.includes(hello.member);
}

/** This store has what the others had: reads need not ask them any more. */
export async function haveJoined(local: ReplicaClient): Promise<void> {
  const { joining, readOnly } = await local.hello();
  if (joining && readOnly === null) await local.members.join({ met: [], retired: [], joined: true });
}
