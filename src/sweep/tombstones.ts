/**
 * Lets the own storage server forget deletions, at the end of a round in which every address of PEERS.txt was reached and
 * pulled from completely. What a member is taken to know is what it knew *before* it was pulled from and still knows: so
 * whatever it wrote without having heard of the deletion is here by now, and met the tombstone.
 */
import type { Hello } from '../peers/protocol.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import type { VersionVector } from '../replication/record.ts';
import { common } from '../replication/version.ts';
import { joinLists } from './member-lists.ts';

const CLOCKS_DIFFER_MS = 24 * 60 * 60 * 1000;

export interface PulledPeer {
  readonly peer: ReplicaClient;
  /** As it was before the pull. */
  readonly hello: Hello;
}

/** Throws what the peers or the own storage server throw: then nothing, or not everything, was forgotten. */
export async function collectTombstones(
  local: ReplicaClient,
  pulled: readonly PulledPeer[],
  signal: AbortSignal,
): Promise<void> {
  // Costs no peer anything as long as there is nothing old.
  const { due } = await local.members.collect({ members: [], knowledge: {} });
  if (!due || pulled.length === 0) return;
  const now = await Promise.all(pulled.map(({ peer }) => peer.hello(undefined, signal)));
  // Thirty days by a clock that is wrong are no thirty days.
  const { now: own } = await local.hello();
  if (now.some((hello) => Math.abs(hello.now - own) > CLOCKS_DIFFER_MS)) return;
  // Whom they have met meanwhile may hold what they held.
  await joinLists(local, now);
  let knowledge: VersionVector | undefined;
  for (const [index, { hello: before }] of pulled.entries()) {
    const after = now[index];
    if (after === undefined || !isSameStore(before, after)) return;
    const kept = common(before.knowledge, after.knowledge);
    knowledge = knowledge === undefined ? kept : common(knowledge, kept);
  }
  await local.members.collect({
    members: [...new Set(pulled.map(({ hello }) => hello.member))],
    knowledge: knowledge ?? {},
  });
}

/** Not restarted, perhaps from a backup, nor replaced. */
function isSameStore(a: Hello, b: Hello): boolean {
  return a.member === b.member && a.store === b.store && a.incarnation === b.incarnation;
}
