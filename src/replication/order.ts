/** The ONE order in which concurrent records win a name: stamp, then kind, then dot, then content. */
import type { RecordKind, ReplicaRecord } from './record.ts';
import { compareDots } from './version.ts';

const RANK: { readonly [kind in RecordKind]: number } = { tombstone: 0, file: 1, directory: 2 };

/** Positive when `a` wins. 0 only for the same dot and content. */
export function compareRecords(a: ReplicaRecord, b: ReplicaRecord): number {
  return (
    a.stamp - b.stamp ||
    RANK[a.kind] - RANK[b.kind] ||
    compareDots(a.dot, b.dot) ||
    // Only a duplicated identity gets here: any order will do as long as all members have the same.
    (a.sha256 === b.sha256 ? 0 : a.sha256 < b.sha256 ? -1 : 1)
  );
}
