/** What nobody here ever heard of, peers may have: a member that has just returned, or joins, asks those that know more. */
import { Refusal } from '../replication/operation.ts';
import { includes } from '../replication/version.ts';
import { peersAhead } from './joining.ts';
import { type Members, reachablePeers } from './members.ts';
import type { Entry } from './protocol.ts';

/** How long a peer may take to say that it has what nobody here ever heard of. */
const SECOND_OPINION_MS = 1_500;
/** The same while nearly everything is with the others only. */
const JOINING_OPINION_MS = 10_000;

/** This member may have just returned: what it never heard of, a peer that knows more may have. */
export async function lookupWhereMoreIsKnown(members: Members, path: string): Promise<Entry | null> {
  // Still joining, it lacks nearly everything: a peer that takes its time is waited for, and silence is no answer.
  const joining = path !== '/' && (await peersAhead(members)).length > 0;
  const own = members.local.lastHello?.knowledge;
  if (own === undefined || path === '/') return null;
  const ahead = reachablePeers(members).filter(
    ({ hello }) => hello !== null && !includes(own, hello.knowledge),
  );
  if (ahead.length === 0) return null;
  const answers = ahead.map(async (peer) => {
    try {
      return (await peer.client.record({ path })).entry;
    } catch (error) {
      if (!(error instanceof Refusal)) members.peers.lost(peer, error);
      return undefined;
    }
  });
  const late = Promise.withResolvers<(Entry | null | undefined)[]>();
  const timer = setTimeout(() => late.resolve([]), joining ? JOINING_OPINION_MS : SECOND_OPINION_MS);
  const entries = await Promise.race([Promise.all(answers), late.promise]);
  clearTimeout(timer);
  const found = entries.find((entry) => entry !== null && entry !== undefined);
  if (joining && found === undefined && !entries.includes(null)) {
    throw new Refusal('busy', 'this member is still joining, and the others do not answer', { path });
  }
  return found ?? null;
}
