/** The writes of one operation, assigned one after the other on top of what the replica has. */

import { isPlanted } from '../system/planted-bug.ts';
import { conflictCopy } from './merge.ts';
import type { PushedRecord } from './operation.ts';
import { Refusal } from './operation.ts';
import type { Overlay } from './overlay.ts';
import type { Assigner } from './plan.ts';
import type { Dot, ReplicaRecord, VersionVector } from './record.ts';
import { shownAt } from './tree-view.ts';
import { join, withDot } from './version.ts';

type Content = Pick<ReplicaRecord, 'kind' | 'size' | 'sha256' | 'mtime'>;

export class OperationDraft {
  readonly table: Overlay;
  readonly pushed: PushedRecord[] = [];
  readonly #assigner: Assigner;
  #seq: number;

  constructor(table: Overlay, assigner: Assigner) {
    this.table = table;
    this.#assigner = assigner;
    this.#seq = assigner.lastSeq;
  }

  get now(): number {
    return this.#assigner.now;
  }

  /** The own dots assigned so far. */
  get knowledge(): VersionVector {
    return this.#seq === this.#assigner.lastSeq ? {} : { [this.#assigner.actor]: this.#seq };
  }

  write(path: string, content: Content): void {
    const before = this.table.get(path);
    // Later than all that was seen here, whatever the clock says; a forgotten tombstone counts as seen.
    const previous = before?.stamp ?? this.table.collectedStamp;
    this.#assign(path, before, content, Math.max(this.now, previous + 1));
  }

  /** A tombstone in place of a live record. */
  bury(before: ReplicaRecord): void {
    // Never the clock: a concurrent write on the same base must beat the deletion.
    const stamp = isPlanted('delete beats write')
      ? Math.max(this.now, before.stamp) + 1_000_000
      : before.stamp + 1;
    this.#assign(before.path, before, { kind: 'tombstone', size: 0, sha256: '', mtime: this.now }, stamp);
  }

  /**
   * A tombstone in place of a record that everybody else has deleted and forgotten (rule 6). As a write where no record is, it
   * has seen all that this replica knows, and comes after all that was forgotten: another old disk may have a later version.
   */
  buryForgotten(before: ReplicaRecord): void {
    const context = join(before.context, this.table.knowledge);
    this.bury({ ...before, context, stamp: Math.max(before.stamp, this.table.collectedStamp) });
  }

  /** Ends the file shown at a path; `shown` is its own path or, when it is shadowed, its conflict name. */
  buryShown(record: ReplicaRecord, shown: string): void {
    this.bury(record);
    if (shown === record.path) return;
    // Under the same name another member may have made its conflict copy: the client saw those bytes and ended them.
    const copy = conflictCopy(record);
    const there = this.table.get(shown);
    const context = join(there?.context ?? this.table.knowledge, copy.context);
    this.bury({ ...(there ?? copy), context, stamp: Math.max(there?.stamp ?? 0, copy.stamp) });
  }

  requireDirectory(path: string): void {
    const { kind } = shownAt(this.table, path);
    if (kind === 'nothing') throw new Refusal('not-found', 'no such directory', { path });
    if (kind === 'file') throw new Refusal('not-a-directory', 'it is a file', { path });
  }

  #assign(path: string, before: ReplicaRecord | undefined, content: Content, stamp: number): void {
    this.#seq += 1;
    const dot: Dot = [this.#assigner.actor, this.#seq];
    const record: ReplicaRecord = {
      path,
      ...content,
      dot,
      stamp,
      context: withDot(before?.context ?? this.table.knowledge, dot),
      kept: before?.kept ?? [],
    };
    this.table.put(record);
    this.pushed.push({ record, base: before?.dot ?? null });
  }
}
