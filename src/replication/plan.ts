/**
 * Decisions as data: what a commit or a merge will do to a replica, worked out without touching it.
 * The storage server carries plans out in one transaction; the simulation carries them out in memory.
 */

import type { PushedRecord } from './operation.ts';
import type { Dot, ReplicaRecord, VersionVector } from './record.ts';

/** What the planners may ask of a replica's records. SQLite answers on a board, a Map in the simulation. */
export interface RecordTable {
  /** The record stored under exactly this path, tombstones included. */
  get(path: string): ReplicaRecord | undefined;
  /** True when some live (file or directory) record lies strictly below the path. */
  hasLiveDescendant(path: string): boolean;
  /** All live records strictly below the path, in any order. */
  liveDescendants(path: string): Iterable<ReplicaRecord>;
  /**
   * The live file record that is *shown* at this path because its own path has live descendants (tree-view.ts),
   * if any. Never a record whose own path is this path.
   */
  shadowedFileShownAt(path: string): ReplicaRecord | undefined;
  /** What this replica knows: every dot covered here is stored or superseded by something stored. */
  readonly knowledge: VersionVector;
  /** Highest stamp of any tombstone collected here; 0 if none. */
  readonly collectedStamp: number;
}

/** The state of one path before and after. `before` is exactly what `RecordTable.get` gave. */
export interface Change {
  readonly before: ReplicaRecord | undefined;
  readonly after: ReplicaRecord;
}

export interface Plan {
  /** At most one change a path. Conflict copies are changes like any other: their content is named by sha256. */
  readonly changes: readonly Change[];
  /** Knowledge to join when the changes are durable: the dots pushed in sequence, or a whole exchange's K. */
  readonly knowledge: VersionVector;
  /** Hashes of files in `changes` whose bytes must be at hand (staged, inline or already in this replica). */
  readonly needs: readonly string[];
}

export interface CommitPlan extends Plan {
  /** What to tell the other members: every record assigned. */
  readonly pushed: readonly PushedRecord[];
}

/** What became of one record given to a merge. The first four count as stored. */
export type MergeOutcome =
  | 'applied'
  | 'known'
  | 'superseded'
  | 'conflict'
  /** Bytes are missing: send them and ask again. */
  | 'send-content'
  /** The receiver lacks the base of a pushed record: it pulls. */
  | 'behind'
  /** Mode 'partial' only: replaces or deletes something live, so it waits for the complete exchange. */
  | 'deferred';

export interface MergePlan extends Plan {
  /** One outcome a record, in the order given (before it is known whether the bytes in `needs` are at hand). */
  readonly outcomes: readonly MergeOutcome[];
  /** For the log and the operator: one identity living twice. Both contents were kept. */
  readonly alarms: readonly string[];
}

/** The identity a planner assigns dots with. */
export interface Assigner {
  /** `<memberId>.<incarnation>`. */
  readonly actor: string;
  /** The last seq used; the plan uses lastSeq + 1, + 2 ... */
  readonly lastSeq: number;
  /** Milliseconds. */
  readonly now: number;
}

export type { Dot };
