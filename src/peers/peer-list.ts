/** The peers of PEERS.txt, each with its monitor. */
import type { Endpoint } from '../config/settings-api.ts';
import type { PushedRecord } from '../replication/operation.ts';
import type { VersionVector } from '../replication/record.ts';
import { join } from '../replication/version.ts';
import type { Logger } from '../system/logger-api.ts';
import { formatEndpoint } from '../system/port-in-use.ts';
import type { LocalReplica } from './local-replica.ts';
import { Peer } from './peer.ts';
import { PeerMonitor } from './peer-monitor.ts';
import type { ReplicaClient } from './replica-client-api.ts';

export interface PeerListContext {
  readonly local: LocalReplica;
  readonly logger: Logger;
  readonly openPeer: (endpoint: Endpoint) => ReplicaClient;
  /** Some peer's state is another one. */
  readonly changed: () => void;
}

interface Watched {
  readonly peer: Peer;
  readonly monitor: PeerMonitor;
}

/** A proxy that has just started does not take its peers for away before it has asked them. */
const FIRST_LOOK_MS = 1_500;

export class PeerList {
  readonly #context: PeerListContext;
  #watched = new Map<string, Watched>();
  #looked: Promise<unknown> = Promise.resolve();
  /** Somebody has said who they are, nobody perhaps. */
  isSet = false;

  constructor(context: PeerListContext) {
    this.#context = context;
  }

  /** Connections to those that stay are kept. */
  set(endpoints: readonly Endpoint[]): void {
    this.isSet = true;
    const before = this.#watched;
    this.#watched = new Map();
    for (const endpoint of endpoints) {
      const key = formatEndpoint(endpoint);
      if (this.#watched.has(key)) continue;
      this.#watched.set(key, before.get(key) ?? this.#watch(endpoint));
    }
    for (const [key, { peer, monitor }] of before) {
      if (this.#watched.has(key)) continue;
      this.#context.logger.info('a peer is not listed any more', { peer: peer.name });
      peer.client.close();
      void monitor.close();
    }
    this.#looked = this.#firstLooks();
  }

  #watch(endpoint: Endpoint): Watched {
    const { local, logger, openPeer, changed } = this.#context;
    const peer = new Peer(endpoint, openPeer(endpoint));
    const knownByOthers = () => this.#knowledge();
    return { peer, monitor: new PeerMonitor({ peer, local, logger, knownByOthers, changed }) };
  }

  async #firstLooks(): Promise<void> {
    const looks = Promise.all([...this.#watched.values()].map(({ monitor }) => monitor.looked));
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, FIRST_LOOK_MS);
    await Promise.race([looks, late.promise]);
    clearTimeout(timer);
  }

  /** Resolves when every peer was asked once, or after a moment. */
  async looked(): Promise<void> {
    await this.#looked;
  }

  /** Each other member once: without lines that name this one, and without second lines for one. */
  all(): readonly Peer[] {
    const own = this.#context.local.member;
    const chosen = new Map<string, Peer>();
    for (const [key, { peer }] of this.#watched) {
      const { hello, state } = peer;
      if (hello?.member === own && state.kind !== 'refused') continue;
      const member = hello?.member ?? key;
      const other = chosen.get(member);
      // Of two ways to one member, one that works.
      if (other === undefined || (!other.isReachable && peer.isReachable)) chosen.set(member, peer);
    }
    return [...chosen.values()];
  }

  #knowledge(): VersionVector {
    const reachable = this.all().filter(({ isReachable }) => isReachable);
    return reachable.reduce<VersionVector>((sum, { hello }) => join(sum, hello?.knowledge ?? {}), {});
  }

  /** Nobody waits for the peer until it has caught up; it is asked to pull. */
  missed(peer: Peer, pushed: readonly PushedRecord[], why: string): void {
    peer.missed(pushed, why);
    this.#context.changed();
    const monitor = this.#monitorOf(peer);
    monitor?.askToSweep(why);
    monitor?.nudge();
  }

  /** A call failed: it counts as away until its monitor has had another look, which is soon. */
  lost(peer: Peer, error: unknown): void {
    peer.lost(error);
    this.#context.changed();
    this.#monitorOf(peer)?.nudge();
  }

  #monitorOf(peer: Peer): PeerMonitor | undefined {
    return this.#watched.get(formatEndpoint(peer.endpoint))?.monitor;
  }

  async close(): Promise<void> {
    const watched = [...this.#watched.values()];
    this.#watched = new Map();
    for (const { peer } of watched) peer.client.close();
    await Promise.all(watched.map(({ monitor }) => monitor.close()));
  }
}
