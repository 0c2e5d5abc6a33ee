/** RNTO: records at the targets and tombstones at the sources, in one plan. */
import { Refusal } from './operation.ts';
import type { OperationDraft } from './operation-draft.ts';
import type { ReplicaRecord } from './record.ts';
import { parentOf, type Shown, shownAt } from './tree-view.ts';

/** Leaves room for the folder of the volume on every member: what one takes and another refuses would never replicate. */
const MAX_PATH_BYTES = 3584;

export function planRename(draft: OperationDraft, from: string, to: string): void {
  if (from === '/' || to === '/') throw new Refusal('invalid', 'the root stays where it is', { path: '/' });
  const source = shownAt(draft.table, from);
  if (source.kind === 'nothing') throw new Refusal('not-found', 'no such file or directory', { path: from });
  if (from === to) return;
  draft.requireDirectory(parentOf(to));
  const target = shownAt(draft.table, to);
  if (source.kind === 'file') renameFile(draft, source.record, from, to, target);
  else renameDirectory(draft, from, to, target, source.record);
}

function renameFile(
  draft: OperationDraft,
  source: ReplicaRecord,
  from: string,
  to: string,
  target: Shown,
): void {
  if (target.kind === 'directory')
    throw new Refusal('is-a-directory', 'a directory has that name', { path: to });
  if (target.kind === 'file' && target.record.path !== to) draft.buryShown(target.record, to);
  move(draft, source, from, to);
}

function renameDirectory(
  draft: OperationDraft,
  from: string,
  to: string,
  target: Shown,
  own: ReplicaRecord | undefined,
): void {
  if (to.startsWith(`${from}/`))
    throw new Refusal('invalid', 'a directory cannot go into itself', { path: to });
  if (target.kind !== 'nothing') throw new Refusal('exists', 'the name is taken', { path: to });
  const inside = [...draft.table.liveDescendants(from)];
  if (own !== undefined) move(draft, own, own.path, to);
  else draft.write(to, { kind: 'directory', size: 0, sha256: '', mtime: draft.now });
  for (const record of inside) move(draft, record, record.path, to + record.path.slice(from.length));
}

function move(draft: OperationDraft, source: ReplicaRecord, shown: string, to: string): void {
  if (Buffer.byteLength(to) > MAX_PATH_BYTES)
    throw new Refusal('invalid', 'the new path is too long', { path: to });
  const { kind, size, sha256, mtime } = source;
  draft.write(to, { kind, size, sha256, mtime });
  draft.buryShown(source, shown);
}
