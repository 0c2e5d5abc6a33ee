/**
 * What ending the records that a peer has forgotten will do to this replica (rule 6 of docs/replication.md). Each gets a
 * tombstone of this member, in one plan: those who took the record over hear of it, and what nobody here knew of yet is at
 * least kept as a conflict copy. The table's collected stamp must have been joined with the peer's, as K was.
 */
import { OperationDraft } from './operation-draft.ts';
import { Overlay } from './overlay.ts';
import type { Assigner, CommitPlan, RecordTable } from './plan.ts';
import type { ReplicaRecord } from './record.ts';
import { isLive } from './tree-view.ts';
import { sameDot } from './version.ts';

/** `judged`: records as they were here when the peer was seen to have none; one that changed since then stays. */
export function planForgotten(
  table: RecordTable,
  judged: readonly Pick<ReplicaRecord, 'path' | 'dot'>[],
  assigner: Assigner,
): CommitPlan {
  const overlay = new Overlay(table);
  const draft = new OperationDraft(overlay, assigner);
  for (const { path, dot } of judged) {
    const record = overlay.get(path);
    // The record itself, not what is shown at its path: a folder may have new files in it, which keep it in sight.
    if (isLive(record) && sameDot(record.dot, dot)) draft.buryForgotten(record);
  }
  return {
    changes: overlay.changes(),
    knowledge: draft.knowledge,
    needs: overlay.needs(),
    pushed: draft.pushed,
  };
}
