/**
 * Reading through a member that is still joining: what its own replica lacks it has not got yet. A peer that knows more is
 * asked, the one that knows most first, and what only this member has is shown beside it.
 */
import { Refusal } from '../replication/operation.ts';
import type { VersionVector } from '../replication/record.ts';
import { covers, includes, isConflictActor } from '../replication/version.ts';
import { type Members, reachablePeers } from './members.ts';
import type { Peer } from './peer.ts';
import type { Entry } from './protocol.ts';

/** None: this member is not joining, or nobody who answers knows more than it does. */
export async function peersAhead(members: Members): Promise<readonly Peer[]> {
  const { local, peers } = members;
  if (peers.all().length === 0) return [];
  // Asked anew as long as it is joining, so that the end of that is noticed at once; once joined it stays so.
  const own = local.lastHello?.joining === false ? local.lastHello : await local.hello();
  if (own?.joining !== true) return [];
  await peers.looked();
  return reachablePeers(members)
    .filter(({ hello }) => hello !== null && !includes(own.knowledge, hello.knowledge))
    .sort((a, b) => writesKnown(b) - writesKnown(a));
}

/** Grows with what is known: of two members of which one knows all that the other does, that one knows more. */
function writesKnown({ hello }: Peer): number {
  return Object.values(hello?.knowledge ?? {}).reduce((sum, seq) => sum + seq, 0);
}

/** Null: none of them answers with a listing. */
export async function listAhead(
  members: Members,
  ahead: readonly Peer[],
  path: string,
  over: AbortSignal | undefined,
): Promise<AsyncIterable<Entry> | null> {
  for (const peer of ahead) {
    try {
      const theirs = await peer.client.list(path, over);
      return beside(theirs, await ownEntries(members, path, peer.hello?.knowledge ?? {}));
    } catch (error) {
      // Perhaps made here a moment ago: another one, or the own replica, may know it.
      if (!(error instanceof Refusal)) members.peers.lost(peer, error);
    }
  }
  return null;
}

/** What is here and news to the peer: written here, or pushed here, a moment ago. */
async function ownEntries(
  { local }: Members,
  path: string,
  known: VersionVector,
): Promise<ReadonlyMap<string, Entry>> {
  const only = new Map<string, Entry>();
  try {
    const answer = await local.attempt((client) => client.list(path));
    if (answer === null) return only;
    for await (const entry of answer.value) if (isNews(entry, known)) only.set(entry.path, entry);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  return only;
}

function isNews({ kind, record }: Entry, known: VersionVector): boolean {
  if (record === undefined) return kind === 'directory';
  // What became of a conflict the others know better.
  return !isConflictActor(record.dot[0]) && !covers(known, record.dot);
}

async function* beside(
  theirs: AsyncIterable<Entry>,
  own: ReadonlyMap<string, Entry>,
): AsyncGenerator<Entry, void> {
  const implied = new Set<string>();
  for (const entry of own.values()) {
    if (entry.record !== undefined) yield entry;
    else implied.add(entry.path);
  }
  for await (const entry of theirs) {
    implied.delete(entry.path);
    if (own.get(entry.path)?.record === undefined) yield entry;
  }
  for (const path of implied) {
    const entry = own.get(path);
    if (entry !== undefined) yield entry;
  }
}
