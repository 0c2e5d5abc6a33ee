/**
 * When the record of a deletion may be forgotten: when every member knows the deletion and everything it has seen, so
 * that no write it ended can come from anywhere as news, and when it is old enough for a member that was restored from a
 * backup to have noticed. Members are those ever met and not retired; one that is unknown blocks (docs/replication.md).
 */
import { isPlanted } from '../system/planted-bug.ts';
import type { ReplicaRecord, VersionVector } from './record.ts';
import { covers, isConflictActor } from './version.ts';

/** How long a tombstone is kept here at least, by this member's clock. */
export const TOMBSTONE_KEEP_MS = 30 * 24 * 60 * 60 * 1000;

/** `knowledge`: K of every member, this one included. `storedAt`: when it was stored here, milliseconds, never the stamp. */
export function isCollectable(
  record: ReplicaRecord,
  storedAt: number,
  now: number,
  knowledge: readonly VersionVector[],
): boolean {
  if (record.kind !== 'tombstone') return false;
  if (isPlanted('early tombstone collection')) return true;
  if (now - storedAt < TOMBSTONE_KEEP_MS) return false;
  // Conflict copies belong to nobody's K: that everybody has seen the end of one can never be known.
  if (Object.keys(record.context).some(isConflictActor)) return false;
  return knowledge.every((known) => knowsAll(known, record));
}

function knowsAll(known: VersionVector, { dot, context }: ReplicaRecord): boolean {
  return covers(known, dot) && Object.entries(context).every((seen) => covers(known, seen));
}

/** More than this many deletions out of nowhere are not carried out but asked about: max(20, 1 % of the files). */
export function massDeletionLimit(files: number): number {
  return Math.max(20, Math.floor(files / 100));
}

/**
 * A record of ours that a peer lacks although it knows the write: it was deleted and the deletion forgotten while this
 * replica was away (restored from an old backup). Never a conflict copy, which no K speaks of. To be asked only when the
 * peer stood still between naming K and showing that it has no record, and only of what it shows in whole.
 */
export function isForgottenThere(ours: ReplicaRecord, theirKnowledge: VersionVector): boolean {
  return ours.kind !== 'tombstone' && !isConflictActor(ours.dot[0]) && covers(theirKnowledge, ours.dot);
}
