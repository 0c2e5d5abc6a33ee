/** All members as the parts of the replica set share them. */
import type { AckMode } from '../config/settings-api.ts';
import type { ReplicaRecord } from '../replication/record.ts';
import type { Logger } from '../system/logger-api.ts';
import type { LocalReplica } from './local-replica.ts';
import type { Peer } from './peer.ts';

export interface Members {
  readonly name: string;
  readonly ack: AckMode;
  readonly local: LocalReplica;
  readonly logger: Logger;
  /** Distinct other members; lines that name this one are left out. */
  peers(): readonly Peer[];
  /** Marks a peer as lagging, asks it to pull and looks at it soon. */
  fellBehind(peer: Peer, why: string): void;
  /** What was last seen at a path, for fail-over. */
  readonly seen: RecentRecords;
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
