/**
 * Pulling from one peer. The peer's feed of changed records is read from the cursor on; what only adds is taken at once,
 * as its bytes arrive; deletions, replacements and conflicts wait until everything is here and go in ONE transaction. Then
 * the trees are compared (tree-exchange.ts), and at last the peer's knowledge and the cursor are taken. Broken off
 * anywhere, this member has some more files and claims to know nothing new; the next round reads the same feed again.
 */
import type { Hello } from '../peers/protocol.ts';
import { includes } from '../replication/version.ts';
import { Exchange, type ExchangeContext } from './exchange.ts';
import { GarbledFeed, readFeed } from './feed.ts';
import { exchangeTrees, type TreeComparison } from './tree-exchange.ts';

export interface PullContext extends ExchangeContext {
  /** This member, as it was at the start of the round. */
  readonly own: Hello;
  readonly peerHello: Hello;
}

/**
 * The net is under the feed *before* this member says that it knows what the peer knows: what a wrong cursor has skipped
 * would afterwards be taken for deleted and forgotten.
 *
 * Throws GarbledFeed, ContentMissing, ReplicaUnreachable, Refusal of the own storage server.
 */
export async function pull(context: PullContext): Promise<TreeComparison> {
  const { local, peer, peerHello, own, signal } = context;
  const { store, incarnation } = peerHello;
  const { after } = await local.cursor({ store, incarnation });
  const feed = await readFeed(peer, after, local, signal);
  try {
    const { header } = feed;
    if (header.store !== store || header.incarnation !== incarnation) {
      throw new GarbledFeed('the peer was restarted in between');
    }
    const nothingNew = header.count === 0 && after === header.upTo;
    const exchange = new Exchange(context);
    await exchange.takeAll(feed.records());
    await exchange.complete(null);
    const comparison = await exchangeTrees(context);
    // A store that is being rebuilt waits to hear that an exchange was complete.
    const waits = own.readOnly !== null;
    if (!waits && nothingNew && includes(own.knowledge, header.knowledge)) return comparison;
    const { knowledge, collectedStamp, upTo } = header;
    const joining = peerHello.joining ? { joining: true } : {};
    await exchange.complete({ store, incarnation, knowledge, collectedStamp, upTo, ...joining });
    return comparison;
  } finally {
    await feed.close();
  }
}
