/**
 * A network in virtual time under one seed: clients, pulls and accidents all at once, nothing atomic but what a board makes
 * atomic. Promises are checked whenever something becomes durable, and when all is healed.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Operation, PushedRecord } from '../../../src/replication/operation.ts';
import type { Change } from '../../../src/replication/plan.ts';
import type { ReplicaRecord } from '../../../src/replication/record.ts';
import { isLive } from '../../../src/replication/tree-view.ts';
import { Collected } from '../collected.ts';
import { Random } from '../random.ts';
import { RULES, type Rules } from '../rules.ts';
import { type Cut, WHOLE } from '../shrink.ts';
import { happen } from './accidents.ts';
import { Board, type Holder } from './board.ts';
import { Clients } from './clients.ts';
import { healedPromises } from './healed.ts';
import { describe, Ledger } from './ledger.ts';
import { change } from './proxy.ts';
import { Scheduler, type Task } from './scheduler.ts';
import type { SimStorage } from './storage.ts';
import { collect, exchange } from './sweep.ts';
import { Wires } from './wire.ts';

/** Of each phase. */
const LIVE_MS = 8_000;
const QUIET_MS = 3_000;
/** After the first broken promise the rest is noise. */
const MAX_BROKEN = 5;
const MAX_ROUNDS = 20;

export interface TimedRun {
  readonly seed: number;
  readonly broken: readonly string[];
  readonly story: readonly string[];
  /** Client operations that were carried out. */
  readonly operations: number;
  readonly conflicts: number;
  /** How many parts a shrunk run may leave out. */
  readonly parts: number;
}

export function runTimed(seed: number, rules: Rules = RULES, cut: Cut = WHOLE): TimedRun {
  const world = new World(seed, rules);
  const parts = world.live(cut);
  world.heal();
  return { seed, ...world.result(), parts };
}

class World {
  readonly #scheduler = new Scheduler();
  readonly #seed: number;
  readonly #collected = new Collected();
  /** Deletions that each disk knew of and has forgotten. */
  readonly #forgot = new Map<string, Collected>();
  readonly #ledger = new Ledger(this.#collected);
  readonly #random: Random;
  readonly #wires: Wires;
  readonly #boards: readonly Board[];
  readonly #story: string[] = [];
  readonly #broken: string[] = [];
  #operations = 0;
  readonly #clients: Clients;

  constructor(seed: number, rules: Rules) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#clients = new Clients(this.#random);
    this.#wires = new Wires(this.#random, this.#scheduler);
    this.#wires.loss = this.#random.pick([0, 0.02, 0.1]);
    this.#wires.repeats = this.#random.pick([0, 0.1, 0.3]);
    const around = {
      random: this.#random,
      scheduler: this.#scheduler,
      wires: this.#wires,
      rules,
      others: (member: string) =>
        this.#boards.map(({ storage }) => storage).filter((each) => each.member !== member),
      acknowledge: (pushed: readonly PushedRecord[], stored: readonly Holder[]) =>
        this.#acknowledge(pushed, stored),
      everMet: () => this.#boards.filter(({ retired }) => !retired).map(({ storage }) => storage),
      edit: (storage: SimStorage) => this.#edit(storage),
      tell: (line: string) => this.#tell(line),
    };
    this.#boards = Array.from({ length: 2 + this.#random.below(4) }, (_, index) => {
      const member = 'abcde'.charAt(index);
      return new Board(member, around, {
        assigned: (pushed) => {
          if (!this.#ledger.assigned(pushed)) this.#break(`${member} gives a dot out twice`);
          for (const { record } of pushed) this.#tell(`${member} assigns ${describe(record)}`);
        },
        brought: (seen) => this.#ledger.brought(seen),
        forgotten: (pushed) => this.#ledger.forgotten(pushed),
        ended: (records) => this.#ended(member, records),
        flushed: (changes, collected) => this.#flushed(member, changes, collected),
        defect: (what) => this.#break(what),
      });
    });
  }

  /** How many parts there were; those of the cut are left out. */
  live(cut: Cut): number {
    const phases = this.#random.pick([1, 2, 3]);
    const operations = Math.ceil((5 + this.#random.below(45)) / phases);
    const mood = Math.ceil(this.#random.pick([0, 3, 10, 20]) / phases);
    const collections = this.#random.pick([0, 2, 5]);
    let parts = 1;
    if (cut.without.has(0)) this.#calm();
    /** Plays a part, with luck of its own, unless it is left out. */
    const part = (happens: () => void, delayMs = 0): void => {
      const own = parts;
      parts += 1;
      if (cut.without.has(own)) return;
      this.#scheduler.at(delayMs, () => {
        this.#random.begin(this.#seed, own);
        happens();
      });
    };
    for (let phase = 0; phase < phases; phase += 1) {
      // The next phase is not played with what luck is left of this one.
      this.#random.begin(this.#seed, -phase);
      const times = (count: number, happens: (index: number) => void): void => {
        for (let index = 0; index < count; index += 1)
          part(() => happens(index), this.#random.below(LIVE_MS));
      };
      times(operations, (index) => this.#change(`operation ${phase} ${index}`));
      times(Math.ceil(operations / 2), () => this.#sweep());
      times(mood, () => this.#accident());
      times(collections, () => this.#collect());
      this.#scheduler.run(this.#scheduler.now + LIVE_MS);
      if (phase + 1 === phases) break;
      part(() => this.#quiet());
      this.#scheduler.run(this.#scheduler.now + QUIET_MS);
      for (const board of this.#boards) part(() => this.#backup(board));
    }
    return parts;
  }

  /** Nothing fails: everybody hears everything and forgets what may be forgotten. What is under way stays late. */
  #quiet(): void {
    this.#tell('a quiet day');
    this.#wires.cut.clear();
    const { loss } = this.#wires;
    this.#wires.loss = 0;
    this.#scheduler.at(QUIET_MS, () => {
      this.#wires.loss = loss;
    });
    for (const board of this.#boards) {
      board.start();
      if (this.#random.chance(0.5)) this.#retire(board);
    }
    for (const board of this.#alive()) board.run(this.#hearAll(board));
  }

  /** After a quiet day: one from before is put in place, or a new one made. */
  #backup(board: Board): void {
    if (board.dead || !this.#random.chance(0.6)) return;
    if (this.#random.chance(0.5)) board.saveBackup();
    else if (board.restoreBackup()) this.#diskChanged(board, 'restore');
  }

  *#hearAll(board: Board): Task<void> {
    for (let round = 0; round < 2; round += 1)
      for (const peer of this.#alive()) if (peer !== board) yield* exchange(board, peer.storage, 0);
    if (board.random.chance(0.9)) yield* collect(board, -Infinity);
  }

  #retire(board: Board): void {
    if (board.dead && !board.retired) this.#tell(`${board.storage.member} is retired`);
    board.retire();
  }

  #calm(): void {
    this.#wires.loss = 0;
    this.#wires.repeats = 0;
    this.#wires.slow = 0;
  }

  /** Wires joined, boards up, what is still under way arrives; then everybody asks everybody until nothing is new. */
  heal(): void {
    this.#tell('everything is healed');
    this.#wires.cut.clear();
    this.#calm();
    for (const board of this.#boards) board.start();
    this.#scheduler.run();
    this.#goOnAlone();
    this.#sweepAll();
    for (const board of this.#alive()) if (this.#random.chance(0.5)) board.run(collect(board, -Infinity));
    this.#scheduler.run();
    this.#sweepAll();
  }

  #goOnAlone(): void {
    const [first] = this.#alive();
    if (first === undefined || this.#alive().some(({ storage }) => storage.durable.leftovers === null))
      return;
    this.#tell(`an operator tells ${first.storage.member} to go on alone`);
    first.run(first.storage.settleLeftovers(first.storage.disk));
    this.#scheduler.run();
  }

  #sweepAll(): void {
    for (let round = 0; round < MAX_ROUNDS; round += 1) if (!this.#sweepOnce()) return;
    this.#break('the members never come to rest');
  }

  result(): Omit<TimedRun, 'seed' | 'parts'> {
    const members = this.#alive().map(({ storage }) => ({
      id: storage.member,
      table: storage.durable.table,
    }));
    if (this.#broken.length === 0)
      this.#broken.push(...healedPromises(members, this.#ledger, this.#collected));
    const conflicts = members[0]?.table.all().filter(({ dot }) => dot[0].startsWith('*')).length ?? 0;
    return { broken: this.#broken, story: this.#story, operations: this.#operations, conflicts };
  }

  #alive(): Board[] {
    return this.#boards.filter(({ dead }) => !dead);
  }

  /** True when anything changed. */
  #sweepOnce(): boolean {
    const states = () =>
      this.#alive().map(({ storage: { durable } }) => [durable.table.changes, durable.table.knowledge]);
    const before = states();
    for (const board of this.#alive()) {
      for (const peer of this.#alive()) {
        if (peer === board) continue;
        board.run(exchange(board, peer.storage, 0), (done) => {
          if (!done) this.#break(`${board.storage.member} cannot exchange with ${peer.storage.member}`);
        });
        this.#scheduler.run();
      }
    }
    return !isDeepStrictEqual(states(), before);
  }

  #change(id: string): void {
    const board = this.#random.pick(this.#alive());
    const operation = this.#clients.operation(board.storage.durable.table);
    this.#tell(`a client of ${board.storage.member}: ${JSON.stringify(operation)}`);
    board.run(change(board, id, operation));
  }

  #sweep(): void {
    const board = this.#random.pick(this.#alive());
    const peers = board.peers();
    // One sweep at a time: they hold a lock at the storage server.
    if (board.sweeping || peers.length === 0) return;
    board.sweeping = true;
    const peer = this.#random.pick(peers);
    board.run(exchange(board, peer, this.#random.pick([0, 0.1])), () => {
      board.sweeping = false;
    });
  }

  #collect(): void {
    const board = this.#random.pick(this.#alive());
    if (board.sweeping) return;
    board.sweeping = true;
    board.run(collect(board, this.#random.pick([0, 500, 3000])), () => {
      board.sweeping = false;
    });
  }

  /** Files are edited, folders rarely in the way. */
  #edit({ member, durable }: SimStorage): Extract<Operation, { op: 'put' }> | undefined {
    const operation = this.#clients.operation(durable.table);
    if (operation.op !== 'put') return undefined;
    const { op, path, size, sha256 } = operation;
    this.#tell(`somebody writes ${path} ${sha256} on the disk of ${member}`);
    return { op, path, size, sha256 };
  }

  #accident(): void {
    const board = this.#random.pick(this.#alive());
    const { member } = board.storage;
    const kind = happen(board, this.#boards, this.#wires, this.#random);
    this.#tell(`accident: ${kind} ${member}`);
    if (kind === 'die' && board.dead) this.#ledger.diskChanged(member, undefined);
    if (kind === 'restore' || kind === 'catalog') this.#diskChanged(board, kind);
  }

  #diskChanged({ storage }: Board, how: string): void {
    this.#tell(`${storage.member} has another disk: ${how}`);
    this.#forgot.delete(storage.member);
    this.#ledger.diskChanged(storage.member, storage.durable.table);
  }

  #acknowledge(pushed: readonly PushedRecord[], stored: readonly Holder[]): void {
    this.#operations += 1;
    const alive = new Set(this.#alive().map(({ storage }) => storage));
    const holders = stored.filter(({ storage, disk }) => alive.has(storage) && storage.disk === disk);
    const members = holders.map(({ storage }) => storage.member);
    const dots = pushed.map(({ record }) => record.dot.join(' '));
    this.#tell(`acknowledged on ${members.join(' ')}: ${dots.join(', ')}`);
    this.#ledger.acknowledged(pushed, members);
  }

  #flushed(member: string, changes: readonly Change[], collected: readonly ReplicaRecord[]): void {
    for (const { before, after } of changes) {
      this.#tell(`${member} stores ${describe(after)}`);
      if (before !== undefined && this.#ledger.cameBack(before, after))
        this.#break(`came back at ${member}: ${describe(after)}`);
      if (after.dot[0].startsWith('*') && this.#ledger.needlessCopy(after))
        this.#break(`a copy without a conflict: ${describe(after)}`);
    }
    const table = this.#boards.find(({ storage }) => storage.member === member)?.storage.durable.table;
    const forgot = this.#forgot.get(member) ?? new Collected();
    this.#forgot.set(member, forgot);
    for (const record of collected) {
      this.#tell(`${member} collects ${describe(record)}`);
      this.#collected.add(
        record,
        this.#boards.map(({ storage }) => storage.durable.table),
      );
      forgot.add(record);
    }
    for (const { after } of changes) {
      const now = table?.get(after.path);
      this.#collected.meet(now);
      if (isLive(now) && forgot.has(now)) this.#break(`came back at ${member}: ${describe(now)}`);
    }
    if (table !== undefined)
      for (const line of this.#ledger.falselyKnown(table)) this.#break(`${member} ${line}`);
    const tables = this.#alive().map(({ storage }) => storage.durable.table);
    for (const line of this.#ledger.lost(tables, new Set(changes.map(({ after }) => after.path))))
      this.#break(line);
  }

  /** Only what was collected somewhere may be taken for forgotten. */
  #ended(member: string, records: readonly ReplicaRecord[]): void {
    for (const record of records) {
      this.#tell(`${member} ends ${describe(record)}`);
      if (!this.#collected.has(record)) this.#break(`ended, though nobody had: ${describe(record)}`);
    }
  }

  #tell(line: string): void {
    this.#story.push(`${String(this.#scheduler.now).padStart(6)} ms  ${line}`);
  }

  #break(line: string): void {
    this.#tell(`BROKEN: ${line}`);
    if (this.#broken.length < MAX_BROKEN) this.#broken.push(line);
  }
}
