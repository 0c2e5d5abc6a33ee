/**
 * A network in virtual time under one seed: clients, pulls and accidents all at once, nothing atomic but what a board makes
 * atomic. Promises are checked whenever something becomes durable, and when all is healed.
 */
import { isDeepStrictEqual } from 'node:util';
import type { PushedRecord } from '../../../src/replication/operation.ts';
import type { Change } from '../../../src/replication/plan.ts';
import { Random } from '../random.ts';
import { RULES, type Rules } from '../rules.ts';
import { happen } from './accidents.ts';
import { Board, type Holder } from './board.ts';
import { Clients } from './clients.ts';
import { healedPromises } from './healed.ts';
import { describe, Ledger } from './ledger.ts';
import { change } from './proxy.ts';
import { Scheduler } from './scheduler.ts';
import { pull } from './sweep.ts';
import { Wires } from './wire.ts';

const LIVE_MS = 12_000;
/** After the first broken promise the rest is noise. */
const MAX_BROKEN = 5;

export interface TimedRun {
  readonly seed: number;
  readonly broken: readonly string[];
  readonly story: readonly string[];
  /** Client operations that were carried out. */
  readonly operations: number;
  readonly conflicts: number;
  readonly parts: number;
}

export function runTimed(seed: number, rules: Rules = RULES, _cut?: unknown): TimedRun {
  const world = new World(seed, rules);
  world.live();
  world.heal();
  return { seed, ...world.result(), parts: 0 };
}

class World {
  readonly #scheduler = new Scheduler();
  readonly #ledger = new Ledger();
  readonly #random: Random;
  readonly #wires: Wires;
  readonly #boards: readonly Board[];
  readonly #story: string[] = [];
  readonly #broken: string[] = [];
  #operations = 0;
  readonly #clients: Clients;

  constructor(seed: number, rules: Rules) {
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
        flushed: (changes) => this.#flushed(member, changes),
        defect: (what) => this.#break(what),
      });
    });
  }

  live(): void {
    const operations = 5 + this.#random.below(45);
    const mood = this.#random.pick([0, 3, 10, 20]);
    for (let index = 0; index < operations; index += 1)
      this.#scheduler.at(this.#random.below(LIVE_MS), () => this.#change(index));
    for (let index = 0; index < operations / 2; index += 1)
      this.#scheduler.at(this.#random.below(LIVE_MS), () => this.#pull());
    for (let index = 0; index < mood; index += 1)
      this.#scheduler.at(this.#random.below(LIVE_MS), () => this.#accident());
    this.#scheduler.run(LIVE_MS);
  }

  /** Wires joined, boards up, what is still under way arrives; then everybody pulls from everybody until nothing is new. */
  heal(): void {
    this.#tell('everything is healed');
    this.#wires.cut.clear();
    this.#wires.loss = 0;
    this.#wires.repeats = 0;
    this.#wires.slow = 0;
    for (const board of this.#boards) board.start();
    this.#scheduler.run();
    for (let round = 0; round <= 2 * this.#boards.length && this.#pullAll(); round += 1);
    if (this.#pullAll()) this.#break('the members never come to rest');
  }

  result(): Omit<TimedRun, 'seed' | 'parts'> {
    const members = this.#alive().map(({ storage }) => ({
      id: storage.member,
      table: storage.durable.table,
    }));
    if (this.#broken.length === 0) this.#broken.push(...healedPromises(members, this.#ledger));
    const conflicts = members[0]?.table.all().filter(({ dot }) => dot[0].startsWith('*')).length ?? 0;
    return { broken: this.#broken, story: this.#story, operations: this.#operations, conflicts };
  }

  #alive(): Board[] {
    return this.#boards.filter(({ dead }) => !dead);
  }

  /** True when anything changed. */
  #pullAll(): boolean {
    const states = () =>
      this.#alive().map(({ storage: { durable } }) => [durable.table.changes, durable.table.knowledge]);
    const before = states();
    for (const board of this.#alive()) {
      for (const peer of this.#alive()) {
        if (peer === board) continue;
        board.run(pull(board, peer.storage, 0), (done) => {
          if (!done) this.#break(`${board.storage.member} cannot pull from ${peer.storage.member}`);
        });
        this.#scheduler.run();
      }
    }
    return !isDeepStrictEqual(states(), before);
  }

  #change(index: number): void {
    const board = this.#random.pick(this.#alive());
    const operation = this.#clients.operation(board.storage.durable.table);
    this.#tell(`a client of ${board.storage.member}: ${JSON.stringify(operation)}`);
    board.run(change(board, `operation ${index}`, operation));
  }

  #pull(): void {
    const board = this.#random.pick(this.#alive());
    const peers = board.peers();
    // One sweep at a time: they hold a lock at the storage server.
    if (board.sweeping || peers.length === 0) return;
    board.sweeping = true;
    const peer = this.#random.pick(peers);
    board.run(pull(board, peer, this.#random.pick([0, 0.1])), () => {
      board.sweeping = false;
    });
  }

  #accident(): void {
    const board = this.#random.pick(this.#alive());
    const { member } = board.storage;
    const kind = happen(board, this.#boards, this.#wires, this.#random);
    this.#tell(`accident: ${kind} ${member}`);
    if (kind === 'die' && board.dead) this.#ledger.diskChanged(member, undefined);
    if (kind === 'restore') this.#ledger.diskChanged(member, board.storage.durable.table);
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

  #flushed(member: string, changes: readonly Change[]): void {
    for (const { before, after } of changes) {
      this.#tell(`${member} stores ${describe(after)}`);
      if (before !== undefined && this.#ledger.cameBack(before, after))
        this.#break(`came back at ${member}: ${describe(after)}`);
      if (after.dot[0].startsWith('*') && this.#ledger.needlessCopy(after))
        this.#break(`a copy without a conflict: ${describe(after)}`);
    }
    const table = this.#boards.find(({ storage }) => storage.member === member)?.storage.durable.table;
    if (table !== undefined)
      for (const line of this.#ledger.falselyKnown(table)) this.#break(`${member} ${line}`);
    const tables = this.#alive().map(({ storage }) => storage.durable.table);
    for (const line of this.#ledger.lost(tables, new Set(changes.map(({ after }) => after.path))))
      this.#break(line);
  }

  #tell(line: string): void {
    this.#story.push(`${String(this.#scheduler.now).padStart(6)} ms  ${line}`);
  }

  #break(line: string): void {
    this.#tell(`BROKEN: ${line}`);
    if (this.#broken.length < MAX_BROKEN) this.#broken.push(line);
  }
}
