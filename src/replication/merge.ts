/**
 * One path, two records: what stays. The rules are those of docs/replication.md.
 *
 * Winner and context form a join semilattice: the order in which records arrive, and how often, changes nothing.
 * A surplus conflict copy is allowed, a missing one never. Accounts have none: of two concurrent changes the winner
 * stands, and nothing of the loser is kept, nor noted in `kept` (a copy could not be shown, and would hold a password).
 */
import { isPlanted } from '../system/planted-bug.ts';
import { isAccountPath } from './account-path.ts';
import { conflictPath } from './conflict-name.ts';
import { compareRecords } from './order.ts';
import type { ReplicaRecord, VersionVector } from './record.ts';
import { covers, isConflictActor, join, joinDots, sameDot } from './version.ts';

export type MergeDecision =
  /** Deleted and forgotten here long ago: nothing changes. */
  | { readonly kind: 'stale' }
  /** What is here stays, perhaps with a wider context. */
  | { readonly kind: 'known' | 'superseded'; readonly survivor: ReplicaRecord; readonly copy?: ReplicaRecord }
  /** The incoming record replaces what is here. */
  | { readonly kind: 'applied'; readonly survivor: ReplicaRecord; readonly copy?: ReplicaRecord }
  /** Neither knew of the other. `copy`: the conflict copy of the losing file. */
  | { readonly kind: 'conflict'; readonly survivor: ReplicaRecord; readonly copy?: ReplicaRecord };

/** `knowledge`: this replica's K. Never looked at for conflict copies, which belong to no actor. */
export function merge(
  local: ReplicaRecord | undefined,
  incoming: ReplicaRecord,
  knowledge: VersionVector,
): MergeDecision {
  const forgotten = !isConflictActor(incoming.dot[0]) && covers(knowledge, incoming.dot);
  if (local === undefined) {
    return forgotten ? { kind: 'stale' } : { kind: 'applied', survivor: incoming };
  }
  if (sameDot(local.dot, incoming.dot)) return mergeSameDot(local, incoming);
  const byClock = isPlanted('last clock wins');
  const localIsOlder = byClock ? incoming.stamp > local.stamp : covers(incoming.context, local.dot);
  if (localIsOlder) {
    return { kind: 'applied', survivor: survivor(incoming, local), ...copyIfKept(incoming, local) };
  }
  if (covers(local.context, incoming.dot) || forgotten || byClock) {
    return { kind: 'superseded', survivor: survivor(local, incoming), ...copyIfKept(local, incoming) };
  }
  return resolveConflict(local, incoming);
}

function mergeSameDot(local: ReplicaRecord, incoming: ReplicaRecord): MergeDecision {
  if (local.kind === incoming.kind && local.sha256 === incoming.sha256) {
    return { kind: 'known', survivor: survivor(local, incoming) };
  }
  // One identity lives twice (a cloned disk): both contents are somebody's file.
  return resolveConflict(local, incoming);
}

function resolveConflict(local: ReplicaRecord, incoming: ReplicaRecord): MergeDecision {
  const localWins = compareRecords(local, incoming) >= 0;
  const [winner, loser] = localWins ? [local, incoming] : [incoming, local];
  const joined = survivor(winner, loser);
  const alike = winner.kind === loser.kind && winner.sha256 === loser.sha256;
  if (alike) return { kind: localWins ? 'superseded' : 'applied', survivor: joined };
  if (loser.kind !== 'file' || isAccountPath(loser.path)) return { kind: 'conflict', survivor: joined };
  return {
    kind: 'conflict',
    survivor: isPlanted('no kept') ? joined : { ...joined, kept: joinDots(joined.kept, [loser.dot]) },
    copy: conflictCopy(loser),
  };
}

/** The record that stays, with all that either knew. The very object `stays` when the other adds nothing. */
function survivor(stays: ReplicaRecord, goes: ReplicaRecord): ReplicaRecord {
  const context = join(stays.context, goes.context);
  const kept = joinDots(stays.kept, goes.kept);
  return context === stays.context && kept === stays.kept ? stays : { ...stays, context, kept };
}

/** `winner` or a predecessor of it met `loser` as a conflict elsewhere: its copy must exist here too. */
function copyIfKept(winner: ReplicaRecord, loser: ReplicaRecord): { copy?: ReplicaRecord } {
  const mayCopy = loser.kind === 'file' && !isAccountPath(loser.path);
  const kept = mayCopy && winner.kept.some((dot) => sameDot(dot, loser.dot));
  return kept ? { copy: conflictCopy(loser) } : {};
}

/** The same record on every member that makes it. */
export function conflictCopy(loser: ReplicaRecord): ReplicaRecord {
  const [actor, seq] = loser.dot;
  const own = isConflictActor(actor) ? actor : `*${actor}`;
  const { size, sha256, mtime, stamp } = loser;
  return {
    path: conflictPath(loser),
    kind: 'file',
    size,
    sha256,
    mtime,
    dot: [own, seq],
    stamp,
    context: { [own]: seq },
    kept: [],
  };
}
