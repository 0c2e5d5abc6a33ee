/** What taking records decided elsewhere will do to this replica (`SITE MERGE`). */
import { isPlanted } from '../system/planted-bug.ts';
import { type MergeDecision, merge } from './merge.ts';
import type { PushedRecord } from './operation.ts';
import { Overlay } from './overlay.ts';
import type { MergeOutcome, MergePlan, RecordTable } from './plan.ts';
import type { Dot, ReplicaRecord, VersionVector } from './record.ts';
import { isLive, parentOf } from './tree-view.ts';
import { compareDots, covers, isConflictActor, sameDot } from './version.ts';

export type MergeMode = 'push' | 'partial' | 'complete';

/**
 * One outcome a record, whether or not the bytes in `needs` are at hand. A push of which one record is `behind`
 * changes nothing. `exchange`: with mode complete, the peer's K as read in or before the snapshot of its feed.
 */
export function planMerge(
  table: RecordTable,
  records: readonly PushedRecord[],
  mode: MergeMode,
  exchange?: { readonly knowledge: VersionVector },
): MergePlan {
  if (mode === 'push' && anyBehind(table, records)) {
    return { changes: [], knowledge: {}, needs: [], outcomes: records.map(() => 'behind'), alarms: [] };
  }
  const overlay = new Overlay(table);
  const alarms: string[] = [];
  const outcomes = records.map(({ record }) => take(overlay, record, mode, alarms));
  return {
    changes: overlay.changes(),
    knowledge: learned(table.knowledge, records, mode, exchange?.knowledge),
    needs: overlay.needs(),
    outcomes,
    alarms,
  };
}

/** Merges one record, and the conflict copies that come of it, into the overlay. */
export function take(
  overlay: Overlay,
  record: ReplicaRecord,
  mode: MergeMode,
  alarms: string[] = [],
): MergeOutcome {
  const local = overlay.get(record.path);
  const decision = merge(local, record, overlay.knowledge);
  if (mode === 'partial' && mustWait(overlay, local, decision)) return 'deferred';
  if (local !== undefined && isDuplicate(local, record)) alarms.push(duplicateAlarm(record));
  if (decision.kind === 'stale') return 'superseded';
  // A table may make its records anew at each look: what is here already must not count as a change, of which everybody
  // would be told again, and by which a deletion would never grow old.
  if (decision.survivor !== local) overlay.put(decision.survivor);
  // Where the copy belongs another file may be, and lose its name or keep it: the loser of that is copied in its turn.
  if (decision.copy !== undefined) take(overlay, decision.copy, 'complete', alarms);
  return decision.kind;
}

/**
 * While a pull is under way only what adds is taken. Everything else may belong to a rename, or name a loser, whose
 * bytes are not here: wider contexts too, which say of writes kept elsewhere that they were seen.
 */
function mustWait(overlay: Overlay, local: ReplicaRecord | undefined, decision: MergeDecision): boolean {
  switch (decision.kind) {
    case 'stale':
      return false;
    case 'known':
    case 'superseded':
      return decision.survivor !== local || decision.copy !== undefined;
    case 'applied': {
      const { survivor, copy } = decision;
      const adds = !isLive(local) && isLive(survivor) && copy === undefined && survivor.kept.length === 0;
      return !adds || hasFileAbove(overlay, survivor.path);
    }
    case 'conflict':
      return true;
  }
}

/** A record below a live file would take that file's name away. */
function hasFileAbove(overlay: Overlay, path: string): boolean {
  for (let above = parentOf(path); above !== '/'; above = parentOf(above)) {
    if (overlay.get(above)?.kind === 'file') return true;
  }
  return false;
}

function isDuplicate(a: ReplicaRecord, b: ReplicaRecord): boolean {
  return sameDot(a.dot, b.dot) && !(a.kind === b.kind && a.sha256 === b.sha256);
}

function duplicateAlarm({ path, dot: [actor, seq] }: ReplicaRecord): string {
  return `write ${seq} of ${actor} has two contents at ${path}: two members live under one identity (a cloned disk?)`;
}

/** One record of the batch may be the base of a later one. */
function anyBehind(table: RecordTable, records: readonly PushedRecord[]): boolean {
  return records.some(
    (pushed, index) =>
      isBehind(table, pushed) &&
      !records
        .slice(0, index)
        .some(({ record }) => record.path === pushed.record.path && isBaseOf(record, pushed)),
  );
}

function isBaseOf({ dot }: ReplicaRecord, { base }: PushedRecord): boolean {
  return base !== null && sameDot(dot, base);
}

/** The receiver has neither the record this one was written on nor one that saw it: pushes were missed, pull. */
function isBehind(table: RecordTable, { record, base }: PushedRecord): boolean {
  if (base === null || isConflictActor(base[0]) || covers(table.knowledge, base)) return false;
  const local = table.get(record.path);
  return local === undefined || !(sameDot(local.dot, base) || covers(local.context, base));
}

function learned(
  knowledge: VersionVector,
  records: readonly PushedRecord[],
  mode: MergeMode,
  whole: VersionVector | undefined,
): VersionVector {
  if (mode === 'complete') return whole ?? {};
  if (mode === 'partial') return {};
  return inSequence(
    knowledge,
    records.map(({ record }) => record.dot),
  );
}

/** K after dots that follow it without a gap; only the actors that moved. */
export function inSequence(knowledge: VersionVector, dots: readonly Dot[]): VersionVector {
  const moved: { [actor: string]: number } = {};
  for (const [actor, seq] of dots.filter(([actor]) => !isConflictActor(actor)).sort(compareDots)) {
    const last = moved[actor] ?? knowledge[actor] ?? 0;
    if (seq === last + 1 || (isPlanted('knowledge joined after one push') && seq > last)) moved[actor] = seq;
  }
  return moved;
}
