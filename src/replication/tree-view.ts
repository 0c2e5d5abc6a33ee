/**
 * The tree as users see it: a pure view of the records. A directory exists if it has a live record or a live
 * descendant; a live file whose own path has live descendants is shown (and stored) under its conflict name.
 */
import { conflictPath } from './conflict-name.ts';
import type { RecordTable } from './plan.ts';
import type { ReplicaRecord } from './record.ts';

export type Shown =
  | { readonly kind: 'nothing' }
  /** `record.path` differs from the path looked at when the file is shadowed. */
  | { readonly kind: 'file'; readonly record: ReplicaRecord }
  /** Without a record of its own when it exists only because something is in it. */
  | { readonly kind: 'directory'; readonly record: ReplicaRecord | undefined };

export function isLive(record: ReplicaRecord | undefined): record is ReplicaRecord {
  return record !== undefined && record.kind !== 'tombstone';
}

/** Where a live record is shown. */
export function shownPath(record: ReplicaRecord, table: Pick<RecordTable, 'hasLiveDescendant'>): string {
  return record.kind === 'file' && table.hasLiveDescendant(record.path) ? conflictPath(record) : record.path;
}

/** What users see at a path. */
export function shownAt(table: RecordTable, path: string): Shown {
  if (path === '/') return { kind: 'directory', record: undefined };
  const record = table.get(path);
  if (record?.kind === 'directory') return { kind: 'directory', record };
  if (table.hasLiveDescendant(path)) return { kind: 'directory', record: undefined };
  if (record?.kind === 'file') return { kind: 'file', record };
  const shadowed = table.shadowedFileShownAt(path);
  return shadowed === undefined ? { kind: 'nothing' } : { kind: 'file', record: shadowed };
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}
