/** After a round by hand: the peers have what this member has, too, or which of them do not yet. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { formatEndpoint } from '../system/port-in-use.ts';

const LOOK_EVERY_MS = 300;

/** Asks peers that differ to sweep, and waits for them. Resolves with the addresses of those that still differ. */
export async function awaitAlike(
  local: ReplicaClient,
  peers: readonly ReplicaClient[],
  { signal, withinMs }: { readonly signal: AbortSignal; readonly withinMs: number },
): Promise<string[]> {
  const until = performance.now() + withinMs;
  let left = await unlike(local, peers, signal);
  await Promise.allSettled(left.map((peer) => peer.sweep({ why: 'a sweep by hand found a difference' })));
  while (left.length > 0 && performance.now() < until) {
    await sleep(LOOK_EVERY_MS, undefined, { signal });
    left = await unlike(local, left, signal);
  }
  return left.map(({ endpoint }) => formatEndpoint(endpoint));
}

/** Peers that answer and whose tree is another one; those that do not answer are told as failures already. */
async function unlike(
  local: ReplicaClient,
  peers: readonly ReplicaClient[],
  signal: AbortSignal,
): Promise<ReplicaClient[]> {
  const theirs = await Promise.allSettled(peers.map((peer) => peer.hello(undefined, signal)));
  const own = await local.hello();
  return peers.filter((_, index) => {
    const hello = theirs[index];
    return (
      hello?.status === 'fulfilled' && hello.value.member !== own.member && hello.value.tree !== own.tree
    );
  });
}
