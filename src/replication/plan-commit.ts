/** What a client's operation will do to the replica that assigns its versions (`SITE COMMIT`). */
import type { Operation } from './operation.ts';
import { Refusal } from './operation.ts';
import { OperationDraft } from './operation-draft.ts';
import { Overlay } from './overlay.ts';
import type { Assigner, CommitPlan, RecordTable } from './plan.ts';
import { take } from './plan-merge.ts';
import { planRename } from './plan-rename.ts';
import type { ReplicaRecord } from './record.ts';
import { parentOf, shownAt } from './tree-view.ts';

/**
 * `seen`: what a proxy that fails over to this replica knew of the paths; merged first.
 * @throws Refusal when the tree as users see it does not allow the operation.
 */
export function planCommit(
  table: RecordTable,
  operation: Operation,
  assigner: Assigner,
  seen: readonly ReplicaRecord[] = [],
): CommitPlan {
  const overlay = new Overlay(table);
  for (const record of seen) take(overlay, record, 'push');
  const draft = new OperationDraft(overlay, assigner);
  perform(draft, operation);
  return {
    changes: overlay.changes(),
    knowledge: draft.knowledge,
    needs: overlay.needs(),
    pushed: draft.pushed,
  };
}

function perform(draft: OperationDraft, operation: Operation): void {
  switch (operation.op) {
    case 'put':
      put(draft, operation);
      break;
    case 'delete':
      remove(draft, operation.path);
      break;
    case 'mkdir':
      makeDirectory(draft, operation.path);
      break;
    case 'rmdir':
      removeDirectory(draft, operation.path);
      break;
    case 'rename':
      planRename(draft, operation.from, operation.to);
      break;
    case 'touch':
      touch(draft, operation);
      break;
  }
}

function put(draft: OperationDraft, operation: Extract<Operation, { op: 'put' }>): void {
  const { path, size, sha256, mtime, exclusive, baseSha256 } = operation;
  for (let above = parentOf(path); above !== '/'; above = parentOf(above)) {
    // A missing folder is no obstacle: it was renamed or removed during the upload, and reappears with the file.
    if (shownAt(draft.table, above).kind === 'file') {
      throw new Refusal('not-a-directory', 'a file is in the way', { path: above });
    }
  }
  const shown = shownAt(draft.table, path);
  if (shown.kind === 'directory') throw new Refusal('is-a-directory', 'a directory has that name', { path });
  if (exclusive === true && shown.kind === 'file')
    throw new Refusal('exists', 'there is such a file', { path });
  const present = shown.kind === 'file' ? shown.record.sha256 : null;
  if (baseSha256 !== undefined && baseSha256 !== present) {
    throw new Refusal('changed', 'the file was changed meanwhile', { path });
  }
  if (shown.kind === 'file' && shown.record.path !== path) draft.buryShown(shown.record, path);
  draft.write(path, { kind: 'file', size, sha256, mtime: mtime ?? draft.now });
}

function remove(draft: OperationDraft, path: string): void {
  const shown = shownAt(draft.table, path);
  if (shown.kind === 'nothing') throw new Refusal('not-found', 'no such file', { path });
  if (shown.kind === 'directory') throw new Refusal('is-a-directory', 'it is a directory', { path });
  draft.buryShown(shown.record, path);
}

function makeDirectory(draft: OperationDraft, path: string): void {
  if (shownAt(draft.table, path).kind !== 'nothing')
    throw new Refusal('exists', 'the name is taken', { path });
  draft.requireDirectory(parentOf(path));
  draft.write(path, { kind: 'directory', size: 0, sha256: '', mtime: draft.now });
}

function removeDirectory(draft: OperationDraft, path: string): void {
  if (path === '/') throw new Refusal('invalid', 'the root stays', { path });
  const shown = shownAt(draft.table, path);
  if (shown.kind === 'nothing') throw new Refusal('not-found', 'no such directory', { path });
  if (shown.kind === 'file') throw new Refusal('not-a-directory', 'it is a file', { path });
  if (shown.record === undefined || draft.table.hasLiveDescendant(path)) {
    throw new Refusal('not-empty', 'the directory is not empty', { path });
  }
  draft.bury(shown.record);
}

function touch(draft: OperationDraft, { path, mtime }: Extract<Operation, { op: 'touch' }>): void {
  const shown = shownAt(draft.table, path);
  if (shown.kind === 'nothing') throw new Refusal('not-found', 'no such file', { path });
  if (shown.record === undefined) {
    throw new Refusal('is-a-directory', 'this directory has no time of its own', { path });
  }
  const { kind, size, sha256 } = shown.record;
  draft.write(shown.record.path, { kind, size, sha256, mtime });
}
