/**
 * Which peers get a big upload through a chain, and in which order: those that are waited for first, of them the ones on a
 * network of this member's first, then those that answer soonest; slow links come last. Each must be able to reach the next.
 */
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Peer } from './peer.ts';

/** A chain of one is no chain. */
const SHORTEST_CHAIN = 2;
/** Round trips that differ by less say nothing. */
const ROUND_TRIP_STEP_MS = 5;

export interface Ways {
  readonly chain: readonly Peer[];
  /** Those that get the bytes from here. */
  readonly star: readonly Peer[];
}

/** `isNear`: of an address, whether it is on a network of this member. */
export function waysTo(peers: readonly Peer[], isNear: (host: string) => boolean = onOwnNetwork()): Ways {
  const left = peers.filter(({ isSlow, hello }) => !isSlow && hello?.passesTo !== undefined);
  const far = (peer: Peer): number => (isNear(peer.endpoint.host) ? 0 : 1);
  const steps = ({ roundTripMs }: Peer): number =>
    Math.floor(Math.min(roundTripMs, 1e6) / ROUND_TRIP_STEP_MS);
  left.sort((a, b) => Number(b.isInStep) - Number(a.isInStep) || far(a) - far(b) || steps(a) - steps(b));
  const chain: Peer[] = [];
  for (let next = left.shift(); next !== undefined; next = takeNext(left, chain)) chain.push(next);
  if (chain.length < SHORTEST_CHAIN) return { chain: [], star: peers };
  return { chain, star: peers.filter((peer) => !chain.includes(peer)) };
}

/** The first of `left` that the last of the chain reaches. */
function takeNext(left: Peer[], chain: readonly Peer[]): Peer | undefined {
  const reached = chain.at(-1)?.hello?.passesTo ?? [];
  const index = left.findIndex(({ hello }) => hello !== null && reached.includes(hello.member));
  return index < 0 ? undefined : left.splice(index, 1)[0];
}

function onOwnNetwork(): (host: string) => boolean {
  const near = new BlockList();
  for (const { cidr, family } of Object.values(networkInterfaces()).flatMap((cards) => cards ?? [])) {
    const [address, prefix] = cidr?.split('/') ?? [];
    if (address !== undefined) near.addSubnet(address, Number(prefix), family === 'IPv6' ? 'ipv6' : 'ipv4');
  }
  return (host) => {
    const family = isIP(host);
    return family !== 0 && near.check(host, family === 6 ? 'ipv6' : 'ipv4');
  };
}
