/** The records of a simulated replica: what SQLite holds on a board, with the change numbers of its feed. */
import { conflictPath } from '../../src/replication/conflict-name.ts';
import type { Plan, RecordTable } from '../../src/replication/plan.ts';
import type { Dot, ReplicaRecord, VersionVector } from '../../src/replication/record.ts';
import { isLive } from '../../src/replication/tree-view.ts';
import { covers, isConflictActor, join } from '../../src/replication/version.ts';

interface Stored {
  readonly record: ReplicaRecord;
  readonly change: number;
  /** By the clock of this replica. */
  readonly storedAt: number;
}

export class MemoryTable implements RecordTable {
  readonly #records = new Map<string, Stored>();
  /** Pushed dots that K has not reached. */
  #early: readonly Dot[] = [];
  knowledge: VersionVector = {};
  collectedStamp = 0;
  /** Highest change number. */
  changes = 0;

  clone(): MemoryTable {
    const copy = new MemoryTable();
    for (const [path, stored] of this.#records) copy.#records.set(path, stored);
    copy.knowledge = this.knowledge;
    copy.collectedStamp = this.collectedStamp;
    copy.changes = this.changes;
    copy.#early = this.#early;
    return copy;
  }

  apply(plan: Plan, now = 0): void {
    for (const { after } of plan.changes) {
      this.changes += 1;
      this.#records.set(after.path, { record: after, change: this.changes, storedAt: now });
    }
    this.knowledge = join(this.knowledge, plan.knowledge);
  }

  /** Joins knowledge; `dots` may leave gaps, remembered until they close (catalog-state.ts). */
  learn(knowledge: VersionVector, dots: readonly Dot[] = []): void {
    this.knowledge = join(this.knowledge, knowledge);
    const waiting = [...this.#early, ...dots].filter(([actor]) => !isConflictActor(actor));
    for (const [actor, seq] of waiting.sort((a, b) => a[1] - b[1])) {
      if (seq === (this.knowledge[actor] ?? 0) + 1) this.knowledge = join(this.knowledge, { [actor]: seq });
    }
    this.#early = waiting.filter((dot) => !covers(this.knowledge, dot));
  }

  /** Forgets the tombstones that `mayGo` allows; gives them. */
  collect(mayGo: (record: ReplicaRecord, storedAt: number) => boolean): ReplicaRecord[] {
    const gone = [...this.#records.values()]
      .filter(({ record, storedAt }) => record.kind === 'tombstone' && mayGo(record, storedAt))
      .map(({ record }) => record);
    for (const { path, stamp } of gone) {
      this.#records.delete(path);
      this.collectedStamp = Math.max(this.collectedStamp, stamp);
    }
    return gone;
  }

  all(): ReplicaRecord[] {
    return [...this.#records.values()].map(({ record }) => record);
  }

  changedAfter(change: number): ReplicaRecord[] {
    return [...this.#records.values()].filter((each) => each.change > change).map(({ record }) => record);
  }

  get(path: string): ReplicaRecord | undefined {
    return this.#records.get(path)?.record;
  }

  hasLiveDescendant(path: string): boolean {
    return !this.liveDescendants(path).next().done;
  }

  *liveDescendants(path: string): Generator<ReplicaRecord, void> {
    const prefix = path === '/' ? '/' : `${path}/`;
    for (const { record } of [...this.#records.values()]) {
      if (record.path.startsWith(prefix) && isLive(record)) yield record;
    }
  }

  shadowedFileShownAt(path: string): ReplicaRecord | undefined {
    return this.all().find(
      (record) =>
        record.kind === 'file' &&
        record.path !== path &&
        conflictPath(record) === path &&
        this.hasLiveDescendant(record.path),
    );
  }
}
