/**
 * A storage server in memory. It runs the board's planners and keeps the board's promises about disks: jobs run one after
 * the other on the working state, a flush makes it durable, answers wait for the flush. A crash leaves what was durable.
 */
import {
  type Operation,
  type PushedRecord,
  Refusal,
  type RefusalKind,
} from '../../../src/replication/operation.ts';
import type { Assigner, Change, CommitPlan, MergeOutcome, Plan } from '../../../src/replication/plan.ts';
import { planForgotten } from '../../../src/replication/plan-forgotten.ts';
import type { MergeMode } from '../../../src/replication/plan-merge.ts';
import type { ReplicaRecord, VersionVector } from '../../../src/replication/record.ts';
import { adoptions, filesOf } from '../leftovers.ts';
import { isOver, type Rules } from '../rules.ts';
import type { Scheduler, Task } from './scheduler.ts';
import { cloneState, emptyState, type State } from './state.ts';

export interface MergeRequest {
  readonly mode: MergeMode;
  readonly records: readonly PushedRecord[];
  /** Hashes whose bytes come with the request. */
  readonly bytes?: ReadonlySet<string>;
  readonly exchange?: {
    readonly position: string;
    readonly knowledge: VersionVector;
    readonly upTo: number;
    /** The peer's, read with its K. */
    readonly collectedStamp: number;
  };
  /** The receiver's disk when the exchange began: what was taken since must still be there. */
  readonly receiver?: number;
  /** K of the member that committed; only a planted mistake looks at it. */
  readonly sender?: VersionVector;
}
export interface MergeAnswer {
  readonly outcomes: readonly MergeOutcome[];
  readonly need: readonly string[];
  /** Which disk has it. */
  readonly disk?: number;
}
export type CommitAnswer =
  | { readonly pushed: readonly PushedRecord[]; readonly knowledge: VersionVector; readonly disk: number }
  | { readonly refused: RefusalKind };

export interface Observer {
  assigned(pushed: readonly PushedRecord[]): void;
  /** A fail-over's `seen` was merged. */
  brought(seen: readonly ReplicaRecord[]): void;
  /** Rule 6 ends these, without a client. */
  ended(records: readonly ReplicaRecord[]): void;
  /** By these tombstones. */
  forgotten(pushed: readonly PushedRecord[]): void;
  /** Something became durable. */
  flushed(changes: readonly Change[], collected: readonly ReplicaRecord[]): void;
  defect(what: string): void;
}

interface Flush {
  readonly waiting: (() => void)[];
  readonly changes: Change[];
  readonly collected: ReplicaRecord[];
}

const FLUSH_MS = 4;

export class SimStorage {
  readonly member: string;
  up = true;
  /** Raised by every start and stop: whoever began before is dead. */
  boot = 0;
  /** Raised when the disk is replaced by a backup. */
  disk = 0;
  #durable: State;
  #working: State;
  #flush: Flush | null = null;
  readonly #rules: Rules;
  readonly #scheduler: Scheduler;
  readonly #observer: Observer;
  readonly #clock: () => number;
  #starts = 0;

  constructor(member: string, rules: Rules, scheduler: Scheduler, clock: () => number, observer: Observer) {
    this.member = member;
    this.#rules = rules;
    this.#scheduler = scheduler;
    this.#clock = clock;
    this.#observer = observer;
    this.#durable = emptyState();
    this.#working = emptyState();
    this.start();
  }

  get durable(): State {
    return this.#durable;
  }

  get actor(): string {
    return `${this.member}.${this.#working.incarnation}`;
  }

  /** `flushDone`: the power went after the disk had it all, before anybody was told. */
  stop(flushDone: boolean): void {
    if (flushDone) this.#endFlush();
    this.#flush = null;
    this.up = false;
    this.boot += 1;
  }

  /** `from`: the disk comes from a backup. */
  start(from: State = this.#durable): void {
    if (from !== this.#durable) this.disk += 1;
    this.#durable = cloneState(from);
    this.#starts += 1;
    if (this.#rules.newIncarnation || this.#durable.incarnation === '') {
      this.#durable.incarnation = `start${String(this.#starts).padStart(3, '0')}`;
      this.#durable.lastSeq = 0;
    }
    this.#working = cloneState(this.#durable);
    this.up = true;
    this.boot += 1;
  }

  *commit(
    id: string,
    operation: Operation,
    bytes: ReadonlySet<string>,
    seen: readonly ReplicaRecord[],
  ): Task<CommitAnswer> {
    const state = this.#working;
    const done = state.operations.get(id);
    if (done !== undefined) {
      yield* this.#flushed([]);
      return { pushed: done, knowledge: state.table.knowledge, disk: this.disk };
    }
    if (state.leftovers !== null) return { refused: 'read-only' };
    try {
      const plan = this.#rules.planCommit(state.table, operation, this.#assigner(), seen);
      const lacks = plan.needs.some((sha256) => !this.#hasBytes(sha256, bytes));
      if (lacks) return { refused: seen.length > 0 ? 'busy' : 'missing-content' };
      this.#observer.brought(seen);
      state.operations.set(id, plan.pushed);
      this.#carryOut(plan, bytes);
      yield* this.#flushed(plan.changes);
      return { pushed: plan.pushed, knowledge: state.table.knowledge, disk: this.disk };
    } catch (error) {
      if (error instanceof Refusal) return { refused: error.kind };
      throw error;
    }
  }

  #assigner(): Assigner {
    return { actor: this.actor, lastSeq: this.#working.lastSeq, now: this.#clock() };
  }

  #carryOut(plan: CommitPlan, bytes: ReadonlySet<string>): void {
    const state = this.#working;
    this.#apply(plan, bytes);
    state.lastSeq += plan.pushed.length;
    state.table.learn({ [this.actor]: state.lastSeq });
    this.#observer.assigned(plan.pushed);
  }

  /** Whoever began with another disk must not end on this one. */
  #isOther(disk: number): boolean {
    return disk !== this.disk && this.#rules.exchangeEndsWithDisk;
  }

  /** Rule 6; false when it is so much that an operator is asked. */
  *endForgotten(judged: readonly ReplicaRecord[], disk: number): Task<boolean> {
    const { table, leftovers } = this.#working;
    if (leftovers !== null || this.#isOther(disk)) return true;
    const files = table.all().filter(({ kind }) => kind === 'file').length;
    if (judged.length > this.#rules.massDeletionLimit(files)) return false;
    const plan = planForgotten(table, judged, this.#assigner());
    this.#observer.ended(judged.filter(({ path }) => plan.changes.some(({ after }) => after.path === path)));
    this.#carryOut(plan, new Set());
    this.#observer.forgotten(plan.pushed);
    yield* this.#flushed(plan.changes);
    return true;
  }

  /** `knowledge`: K of every member, asked since this disk was `disk`. */
  *collect(knowledge: readonly VersionVector[], keepMs: number, disk: number): Task<void> {
    if (this.#isOther(disk)) return;
    const mayGo = isOver(this.#rules, keepMs);
    const now = this.#clock();
    const gone = this.#working.table.collect((record, storedAt) => mayGo(record, storedAt, now, knowledge));
    if (gone.length > 0) yield* this.#flushed([], gone);
  }

  /** A peer has brought everything (to this disk), or an operator says that there is nobody to ask. */
  *settleLeftovers(disk: number): Task<void> {
    const state = this.#working;
    if (this.#isOther(disk)) return;
    const files = state.leftovers ?? [];
    state.leftovers = null;
    const changes: Change[] = [];
    for (const file of this.#rules.leftoversAreKept ? files : []) {
      const bytes = new Set([file[1]]);
      for (const operation of adoptions(state.table, file, [this.actor, state.lastSeq + 1], this.#clock())) {
        try {
          const plan = this.#rules.planCommit(state.table, operation, this.#assigner());
          this.#carryOut(plan, bytes);
          changes.push(...plan.changes);
          break;
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
        }
      }
    }
    yield* this.#flushed(changes);
  }

  /** The files stay. */
  loseCatalog(): void {
    const { leftovers, table } = this.#durable;
    this.stop(false);
    this.start({ ...emptyState(), leftovers: [...(leftovers ?? []), ...filesOf(table)] });
  }

  /** As storage/merge-records.ts does it. */
  *merge({ mode, records, bytes = new Set(), exchange, receiver, sender }: MergeRequest): Task<MergeAnswer> {
    const { table, cursors, staged } = this.#working;
    if (receiver !== undefined && this.#isOther(receiver))
      return { outcomes: records.map(() => 'behind'), need: [] };
    let plan = this.#rules.planMerge(table, records, mode, exchange);
    let { outcomes } = plan;
    const need = plan.needs.filter((sha256) => !this.#hasBytes(sha256, bytes));
    if (need.length > 0) {
      const missing = new Set(need);
      if (mode !== 'partial') return { outcomes: outcomes.map(withoutBytes), need };
      const lacks = ({ record }: PushedRecord) => missing.has(record.sha256);
      plan = this.#rules.planMerge(
        table,
        records.filter((each) => !lacks(each)),
        mode,
        exchange,
      );
      const rest = plan.outcomes.values();
      outcomes = records.map((each) => (lacks(each) ? 'send-content' : (rest.next().value ?? 'deferred')));
      if (plan.needs.some((sha256) => !this.#hasBytes(sha256, bytes)))
        return { outcomes: outcomes.map(withoutBytes), need };
    }
    if (outcomes.includes('behind')) return { outcomes, need };
    this.#apply(plan, bytes);
    table.learn({}, mode === 'push' ? records.map(({ record }) => record.dot) : []);
    if (mode === 'push' && sender !== undefined) table.learn(this.#rules.learnFromPush(sender));
    if (exchange !== undefined && (mode === 'complete' || this.#rules.cursorBeforeEnd)) {
      cursors.set(exchange.position, Math.max(exchange.upTo, cursors.get(exchange.position) ?? 0));
      table.collectedStamp = Math.max(table.collectedStamp, exchange.collectedStamp);
    }
    for (const [index, { record }] of records.entries()) {
      const outcome = outcomes[index];
      if (outcome !== 'deferred' && outcome !== 'send-content') staged.delete(record.sha256);
    }
    yield* this.#flushed(plan.changes);
    return { outcomes, need, disk: this.disk };
  }

  hasObject(sha256: string): boolean {
    return this.#durable.table.all().some((record) => record.kind === 'file' && record.sha256 === sha256);
  }

  stage(sha256: string): true {
    this.#working.staged.add(sha256);
    this.#durable.staged.add(sha256);
    return true;
  }

  #hasBytes(sha256: string, bytes: ReadonlySet<string>): boolean {
    const { table, staged } = this.#working;
    const isHere = (record: ReplicaRecord) => record.kind === 'file' && record.sha256 === sha256;
    return bytes.has(sha256) || staged.has(sha256) || table.all().some(isHere);
  }

  #apply(plan: Plan, bytes: ReadonlySet<string>): void {
    for (const { before, after } of plan.changes) {
      if (after.kind !== 'file' || before?.sha256 === after.sha256) continue;
      if (!this.#hasBytes(after.sha256, bytes))
        this.#observer.defect(`${this.member} publishes ${after.path} without its bytes`);
    }
    this.#working.table.apply(plan, this.#clock());
  }

  /** Waits until all that was done so far is durable. */
  *#flushed(changes: readonly Change[], collected: readonly ReplicaRecord[] = []): Task<void> {
    const flush = this.#flush ?? this.#beginFlush();
    flush.changes.push(...changes);
    flush.collected.push(...collected);
    if (this.#rules.answerBeforeFlush) return;
    yield (resume) => flush.waiting.push(() => resume(undefined));
  }

  #beginFlush(): Flush {
    const flush = { waiting: [], changes: [], collected: [] };
    const { boot } = this;
    this.#flush = flush;
    this.#scheduler.at(this.#rules.answerBeforeFlush ? 50 * FLUSH_MS : FLUSH_MS, () => {
      if (this.boot === boot) this.#endFlush();
    });
    return flush;
  }

  #endFlush(): void {
    if (this.#flush === null) return;
    const { waiting, changes, collected } = this.#flush;
    this.#flush = null;
    this.#durable = cloneState(this.#working);
    this.#observer.flushed(changes, collected);
    for (const resume of waiting) resume();
  }
}

function withoutBytes(outcome: MergeOutcome): MergeOutcome {
  return outcome === 'applied' || outcome === 'conflict' ? 'send-content' : outcome;
}
