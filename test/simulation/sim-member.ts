/** One simulated board: its records, the bytes on its disk, its clock, its cursors. */
import type { Operation, PushedRecord } from '../../src/replication/operation.ts';
import type { MergeOutcome } from '../../src/replication/plan.ts';
import type { Dot, ReplicaRecord, VersionVector } from '../../src/replication/record.ts';
import { join } from '../../src/replication/version.ts';
import { MemoryTable } from './memory-table.ts';
import type { Rules } from './rules.ts';

export interface Write {
  readonly record: ReplicaRecord;
  readonly base: Dot | null;
  /** What was known at the path and is replaced by this: the context of the assigner's record and of `seen`. */
  readonly replaced: VersionVector;
}

interface Backup {
  readonly table: MemoryTable;
  readonly cursors: Map<string, number>;
  readonly bytes: Set<string>;
}

export class SimMember {
  readonly id: string;
  readonly #rules: Rules;
  table = new MemoryTable();
  /** Hashes whose bytes are on this disk, published or in the trash. */
  bytes = new Set<string>();
  clock: number;
  alive = true;
  #incarnation = 1;
  #seq = 0;
  /** Feed position by `<peer id>.<its incarnation>`. */
  #cursors = new Map<string, number>();
  #backup: Backup | null = null;

  constructor(id: string, clock: number, rules: Rules) {
    this.id = id;
    this.clock = clock;
    this.#rules = rules;
  }

  get actor(): string {
    return `${this.id}.${String(this.#incarnation).padStart(8, '0')}`;
  }

  /** Throws Refusal. `seen`: a proxy failed over to this member. */
  commit(
    operation: Operation,
    seen: readonly ReplicaRecord[],
  ): { pushed: readonly PushedRecord[]; writes: Write[] } {
    const assigner = { actor: this.actor, lastSeq: this.#seq, now: Math.max(0, this.clock) };
    const plan = this.#rules.planCommit(this.table, operation, assigner, seen);
    const own = operation.op === 'put' ? operation.sha256 : '';
    if (plan.needs.some((sha256) => sha256 !== own && !this.bytes.has(sha256)))
      return { pushed: [], writes: [] };
    if (own !== '') this.bytes.add(own);
    const befores = new Map(plan.changes.map(({ before, after }) => [after.path, before]));
    const writes = plan.pushed.map(({ record, base }) => {
      const merged = seen.find(({ path }) => path === record.path);
      const context = join(befores.get(record.path)?.context ?? {}, merged?.context ?? {});
      return { record, base, replaced: context };
    });
    this.#seq += plan.pushed.length;
    this.table.apply(plan);
    return { pushed: plan.pushed, writes };
  }

  push(pushed: readonly PushedRecord[], bytes: boolean, sender: VersionVector): readonly MergeOutcome[] {
    const plan = this.#rules.planMerge(this.table, pushed, 'push');
    if (!bytes && plan.needs.some((sha256) => !this.bytes.has(sha256))) return ['send-content'];
    for (const sha256 of plan.needs) this.bytes.add(sha256);
    this.table.apply(plan);
    this.table.knowledge = join(this.table.knowledge, this.#rules.learnFromPush(sender));
    return plan.outcomes;
  }

  /** `until`: broken off after the additions, or before anything is known to be complete. */
  pull(peer: SimMember, until: 'end' | 'additions' | 'half the additions'): readonly MergeOutcome[] {
    const position = `${peer.id}.${peer.#incarnation}`;
    const { knowledge, changes } = peer.table;
    const feed = peer.table
      .changedAfter(this.#cursors.get(position) ?? 0)
      .map((record) => ({ record, base: null }));
    const first = until === 'half the additions' ? feed.slice(0, feed.length >> 1) : feed;
    const partial = this.#rules.planMerge(this.table, first, 'partial');
    for (const sha256 of partial.needs) this.bytes.add(sha256);
    this.table.apply(partial);
    if (this.#rules.cursorBeforeEnd) this.#cursors.set(position, changes);
    if (until !== 'end') return partial.outcomes;
    const rest = feed.filter((_, index) => partial.outcomes[index] === 'deferred');
    const complete = this.#rules.planMerge(this.table, rest, 'complete', { knowledge });
    for (const sha256 of complete.needs) this.bytes.add(sha256);
    this.table.apply(complete);
    this.#cursors.set(position, changes);
    return [...partial.outcomes, ...complete.outcomes];
  }

  /** A new start: dots of another incarnation from here on. */
  restart(): void {
    this.#incarnation += 1;
    this.#seq = 0;
  }

  saveBackup(): void {
    this.#backup = { table: this.table.clone(), cursors: new Map(this.#cursors), bytes: new Set(this.bytes) };
  }

  /** False when there is none. */
  restoreBackup(): boolean {
    if (this.#backup === null) return false;
    this.table = this.#backup.table.clone();
    this.#cursors = new Map(this.#backup.cursors);
    this.bytes = new Set(this.#backup.bytes);
    this.restart();
    return true;
  }
}
