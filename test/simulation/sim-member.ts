/** One simulated board: its records, the bytes on its disk, its clock, its cursors. */
import { type Operation, type PushedRecord, Refusal } from '../../src/replication/operation.ts';
import type { CommitPlan, MergeOutcome } from '../../src/replication/plan.ts';
import { planForgotten } from '../../src/replication/plan-forgotten.ts';
import type { Dot, ReplicaRecord, VersionVector } from '../../src/replication/record.ts';
import { isLive } from '../../src/replication/tree-view.ts';
import { join } from '../../src/replication/version.ts';
import { Collected } from './collected.ts';
import { adoptions, type Files, filesOf } from './leftovers.ts';
import { MemoryTable } from './memory-table.ts';
import { isOver, type Rules } from './rules.ts';
import { differingBuckets, forgottenThere, recordsIn, sumsOf } from './trees.ts';

export interface Write {
  readonly record: ReplicaRecord;
  readonly base: Dot | null;
  /** What was known at the path and is replaced by this: the context of the assigner's record and of `seen`. */
  readonly replaced: VersionVector;
  /** By rule 6, not by a client. */
  readonly forgotten?: true;
}

/** A commit's records as they go to the others, and as the judge remembers them. */
export interface Committed {
  readonly pushed: readonly PushedRecord[];
  readonly writes: readonly Write[];
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
  /** By an operator, for ever. */
  retired = false;
  /** Deletions that this disk knew of and has forgotten. */
  forgot = new Collected();
  /** The catalog was lost; these files were found. Null: it is whole. */
  #leftovers: Files | null = null;
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

  get rebuilding(): boolean {
    return this.#leftovers !== null;
  }

  /** Throws Refusal. `seen`: a proxy failed over to this member. */
  commit(operation: Operation, seen: readonly ReplicaRecord[]): Committed {
    if (this.rebuilding) throw new Refusal('read-only', 'this catalog is being rebuilt');
    const plan = this.#rules.planCommit(this.table, operation, this.#assigner(), seen);
    const own = operation.op === 'put' ? operation.sha256 : '';
    if (plan.needs.some((sha256) => sha256 !== own && !this.bytes.has(sha256)))
      return { pushed: [], writes: [] };
    if (own !== '') this.bytes.add(own);
    return this.#carryOut(plan, seen);
  }

  #assigner(): { actor: string; lastSeq: number; now: number } {
    return { actor: this.actor, lastSeq: this.#seq, now: Math.max(0, this.clock) };
  }

  #carryOut(plan: CommitPlan, seen: readonly ReplicaRecord[]): Committed {
    const befores = new Map(plan.changes.map(({ before, after }) => [after.path, before]));
    const writes = plan.pushed.map(({ record, base }) => {
      const merged = seen.find(({ path }) => path === record.path);
      const context = join(befores.get(record.path)?.context ?? {}, merged?.context ?? {});
      return { record, base, replaced: join(context, this.forgot.seenAt(record.path)) };
    });
    this.#seq += plan.pushed.length;
    this.table.apply(plan, this.clock);
    return { pushed: plan.pushed, writes };
  }

  push(pushed: readonly PushedRecord[], bytes: boolean, sender: VersionVector): readonly MergeOutcome[] {
    const plan = this.#rules.planMerge(this.table, pushed, 'push');
    if (!bytes && plan.needs.some((sha256) => !this.bytes.has(sha256))) return ['send-content'];
    for (const sha256 of plan.needs) this.bytes.add(sha256);
    this.table.apply(plan, this.clock);
    this.table.knowledge = join(this.table.knowledge, this.#rules.learnFromPush(sender));
    return plan.outcomes;
  }

  /** `until`: broken off after the additions, or before anything is known to be complete. */
  pull(peer: SimMember, until: 'end' | 'additions' | 'half the additions'): readonly MergeOutcome[] {
    const position = `${peer.id}.${peer.#incarnation}`;
    const { knowledge, changes, collectedStamp } = peer.table;
    const feed = peer.table
      .changedAfter(this.#cursors.get(position) ?? 0)
      .map((record) => ({ record, base: null }));
    const first = until === 'half the additions' ? feed.slice(0, feed.length >> 1) : feed;
    const partial = this.#rules.planMerge(this.table, first, 'partial');
    for (const sha256 of partial.needs) this.bytes.add(sha256);
    this.table.apply(partial, this.clock);
    if (this.#rules.cursorBeforeEnd) this.#cursors.set(position, changes);
    if (until !== 'end') return partial.outcomes;
    const rest = feed.filter((_, index) => partial.outcomes[index] === 'deferred');
    const complete = this.#rules.planMerge(this.table, rest, 'complete', { knowledge });
    for (const sha256 of complete.needs) this.bytes.add(sha256);
    this.table.apply(complete, this.clock);
    this.table.collectedStamp = Math.max(this.table.collectedStamp, collectedStamp);
    this.#cursors.set(position, changes);
    return [...partial.outcomes, ...complete.outcomes];
  }

  /** After a pull to the end: what the feed does not tell. Here nobody moves meanwhile; in the timed model they do. */
  compare(peer: SimMember): readonly ReplicaRecord[] {
    const differing = differingBuckets(sumsOf(this.table), sumsOf(peer.table));
    if (differing.size === 0) return [];
    const shown = recordsIn(peer.table, differing).filter(
      (record) => isLive(record) || this.#rules.tombstonesAreShown,
    );
    // Neither K nor the cursor moves: this is not all that the peer has.
    const plan = this.#rules.planMerge(
      this.table,
      shown.map((record) => ({ record, base: null })),
      'complete',
    );
    for (const sha256 of plan.needs) this.bytes.add(sha256);
    this.table.apply(plan, this.clock);
    return forgottenThere(recordsIn(this.table, differing), shown, peer.table.knowledge);
  }

  /** Ends what a peer has forgotten; undefined when it is so much that an operator must be asked. */
  endForgotten(judged: readonly ReplicaRecord[]): Committed | undefined {
    const files = this.table.all().filter(({ kind }) => kind === 'file').length;
    if (judged.length > this.#rules.massDeletionLimit(files)) return undefined;
    const { pushed, writes } = this.#carryOut(planForgotten(this.table, judged, this.#assigner()), []);
    return { pushed, writes: writes.map((write) => ({ ...write, forgotten: true })) };
  }

  /** `knowledge`: K of every member. */
  collect(knowledge: readonly VersionVector[], keepMs: number): readonly ReplicaRecord[] {
    const mayGo = isOver(this.#rules, keepMs);
    return this.table.collect((record, storedAt) => mayGo(record, storedAt, this.clock, knowledge));
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
    this.#leftovers = null;
    this.forgot = new Collected();
    this.restart();
    return true;
  }

  /** The files stay. */
  loseCatalog(): void {
    this.#leftovers = [...(this.#leftovers ?? []), ...filesOf(this.table)];
    this.table = new MemoryTable();
    this.#cursors = new Map();
    this.forgot = new Collected();
    this.restart();
  }

  /** A peer has brought everything, or an operator says that there is nobody to ask. */
  settleLeftovers(): Committed[] {
    const files = this.#leftovers ?? [];
    this.#leftovers = null;
    return this.#rules.leftoversAreKept ? files.flatMap((file) => this.#settle(file)) : [];
  }

  #settle(file: Files[number]): Committed[] {
    for (const operation of adoptions(this.table, file, [this.actor, this.#seq + 1], this.clock)) {
      try {
        return [this.commit(operation, [])];
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
    }
    return [];
  }
}
