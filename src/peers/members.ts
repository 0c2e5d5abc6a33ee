/** All members as the parts of the replica set share them. */

import type { AckMode } from '../config/settings-api.ts';
import type { SlabPool } from '../ftp/slabs.ts';
import { Refusal } from '../replication/operation.ts';
import type { ReplicaRecord } from '../replication/record.ts';
import type { Logger } from '../system/logger-api.ts';
import type { FounderMark } from './founder-mark.ts';
import type { LocalReplica } from './local-replica.ts';
import type { Peer } from './peer.ts';
import type { PeerList } from './peer-list.ts';
import type { QueueBudget } from './queue-budget.ts';
import type { RecentPlaces } from './recent-places.ts';

export interface Members {
  readonly name: string;
  readonly ack: AckMode;
  readonly local: LocalReplica;
  readonly logger: Logger;
  readonly peers: PeerList;
  /** Memory for bytes of uploads on their way. */
  readonly budget: QueueBudget;
  /** Whether this store began the network. */
  readonly founder: FounderMark;
  /** What was last seen at a path, for fail-over. */
  readonly seen: RecentRecords;
  /** Where the own storage server has just said that files are. */
  readonly places: RecentPlaces;
  /** Contents whose bytes on this member's disk turned out to be others: read from peers first. */
  readonly damaged: Set<string>;
  /** Memory for bytes of files on their way to clients. */
  readonly slabs: SlabPool;
}

/** Those that answer; the ones that know all we know first. */
export function reachablePeers({ peers }: Members): Peer[] {
  const reachable = peers.all().filter(({ isReachable }) => isReachable);
  return reachable.sort((a, b) => Number(b.isInStep) - Number(a.isInStep));
}

/** No peer could do what the own storage server cannot at the moment. */
export function isAlone(members: Members): boolean {
  return reachablePeers(members).length === 0;
}

/** What a retired member stores would never leave it, and its own storage server hears of that late. @throws Refusal read-only */
export function requireMembership({ peers }: Members): void {
  for (const { saidRetired } of peers.all()) {
    if (saidRetired !== null) throw new Refusal('read-only', saidRetired);
  }
}

const REMEMBERED = 2000;

/** The records that lookups showed lately, by path. */
export class RecentRecords {
  readonly #records = new Map<string, ReplicaRecord>();

  note(path: string, record: ReplicaRecord | null): void {
    this.#records.delete(path);
    if (record === null) return;
    this.#records.set(path, record);
    if (this.#records.size <= REMEMBERED) return;
    const [oldest] = this.#records.keys();
    if (oldest !== undefined) this.#records.delete(oldest);
  }

  of(paths: readonly string[]): ReplicaRecord[] {
    return paths.map((path) => this.#records.get(path)).filter((record) => record !== undefined);
  }
}
