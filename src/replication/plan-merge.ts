/** What taking records decided elsewhere will do to this replica (`SITE MERGE`). */
import { type MergeDecision, merge } from './merge.ts';
import type { PushedRecord } from './operation.ts';
import { Overlay } from './overlay.ts';
import type { MergeOutcome, MergePlan, RecordTable } from './plan.ts';
import type { Dot, ReplicaRecord, VersionVector } from './record.ts';
import { isLive } from './tree-view.ts';
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
  if (mode === 'push' && records.some((pushed) => isBehind(table, pushed))) {
    return { changes: [], knowledge: {}, needs: [], outcomes: records.map(() => 'behind') };
  }
  const overlay = new Overlay(table);
  const outcomes = records.map(({ record }) => take(overlay, record, mode));
  return {
    changes: overlay.changes(),
    knowledge: learned(table.knowledge, records, mode, exchange?.knowledge),
    needs: overlay.needs(),
    outcomes,
  };
}

/** Merges one record and its conflict copy into the overlay. */
export function take(overlay: Overlay, record: ReplicaRecord, mode: MergeMode): MergeOutcome {
  const local = overlay.get(record.path);
  const decision = merge(local, record, overlay.knowledge);
  if (mode === 'partial' && mustWait(local, decision)) return 'deferred';
  if (decision.kind === 'stale') return 'superseded';
  overlay.put(decision.survivor);
  if (decision.copy !== undefined) {
    const copied = merge(overlay.get(decision.copy.path), decision.copy, overlay.knowledge);
    if (copied.kind !== 'stale') overlay.put(copied.survivor);
  }
  return decision.kind;
}

/** While a pull is under way only what adds is taken: everything else may belong to a rename whose bytes are not here. */
function mustWait(local: ReplicaRecord | undefined, decision: MergeDecision): boolean {
  switch (decision.kind) {
    case 'stale':
    case 'known':
      return false;
    case 'superseded':
      return decision.copy !== undefined;
    case 'applied':
      return isLive(local) || !isLive(decision.survivor) || decision.copy !== undefined;
    case 'conflict':
      return true;
  }
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
    if (seq === (moved[actor] ?? knowledge[actor] ?? 0) + 1) moved[actor] = seq;
  }
  return moved;
}
