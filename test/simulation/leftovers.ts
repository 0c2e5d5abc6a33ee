/**
 * A catalog was lost; the files are still there. When a complete exchange has brought the records back, each file is
 * looked at: what is known is as it should be or goes to the trash, everything else is somebody's only copy.
 */
import { conflictPath } from '../../src/replication/conflict-name.ts';
import type { Operation } from '../../src/replication/operation.ts';
import type { Dot } from '../../src/replication/record.ts';
import { isLive, parentOf, shownAt, shownPath } from '../../src/replication/tree-view.ts';
import type { MemoryTable } from './memory-table.ts';

/**
 * Path and hash of the files of a volume. A path may come twice: while a catalog is rebuilt records arrive for the paths
 * at which files wait to be looked at, and it may be lost a second time.
 */
export type Files = readonly (readonly [path: string, sha256: string])[];

export function filesOf(table: MemoryTable): Files {
  const files = table.all().filter((record) => record.kind === 'file' && isLive(record));
  return files.map((record) => [shownPath(record, table), record.sha256]);
}

/**
 * The writes that keep the file, the first that the tree allows is enough; none: it is known or belongs in the trash.
 * `dot`, `now`: for the conflict name.
 */
export function adoptions(
  table: MemoryTable,
  [path, sha256]: Files[number],
  dot: Dot,
  now: number,
): Operation[] {
  const shown = shownAt(table, path);
  const own = table.get(path);
  if (shown.kind === 'file' && shown.record.sha256 === sha256) return [];
  if (own?.kind === 'file' && own.sha256 === sha256) return [];
  if (shown.kind === 'nothing' && own?.kind === 'tombstone') return [];
  const at: string[] = shown.kind === 'nothing' ? [path] : [];
  // Where a file stands in the way, beside that file.
  for (let place = path; place !== '/'; place = parentOf(place)) at.push(besides(place, dot, now));
  return at.map((place) => ({ op: 'put', path: place, size: 1, sha256, exclusive: true }));
}

function besides(path: string, dot: Dot, stamp: number): string {
  const file = { kind: 'file', size: 1, sha256: '', mtime: 0, context: {}, kept: [] } as const;
  return conflictPath({ ...file, path, dot, stamp });
}
