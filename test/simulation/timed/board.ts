/** One board: a storage server, and a gateway and sweeps that die with the power. */
import type { Operation, PushedRecord } from '../../../src/replication/operation.ts';
import type { Random } from '../random.ts';
import type { Rules } from '../rules.ts';
import type { Scheduler, Task } from './scheduler.ts';
import { cloneState, type State } from './state.ts';
import { type Observer, SimStorage } from './storage.ts';
import type { Wires } from './wire.ts';

/** When the model's time begins. */
const EPOCH_MS = 1_000_000;

/** A member that answered "stored", and the disk it spoke of. */
export interface Holder {
  readonly storage: SimStorage;
  readonly disk: number;
}

export interface Surroundings {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly wires: Wires;
  readonly rules: Rules;
  /** Storage servers of all boards but this member's. */
  readonly others: (member: string) => readonly SimStorage[];
  /** Storage servers of all members that are not retired. */
  readonly everMet: () => readonly SimStorage[];
  readonly acknowledge: (pushed: readonly PushedRecord[], stored: readonly Holder[]) => void;
  /** What somebody does on the disk of a board by hand. */
  readonly edit: (storage: SimStorage) => Extract<Operation, { op: 'put' }> | undefined;
  readonly tell: (line: string) => void;
}

export class Board {
  readonly storage: SimStorage;
  readonly random: Random;
  dead = false;
  retired = false;
  sweeping = false;
  /** What the board's clock is ahead of the others'. */
  skewMs: number;
  #power = 0;
  #backup: State | null = null;
  readonly #around: Surroundings;

  constructor(member: string, around: Surroundings, observer: Observer) {
    this.#around = around;
    this.random = around.random;
    this.skewMs = this.random.below(4000) - 2000;
    const clock = () => Math.max(0, EPOCH_MS + around.scheduler.now + this.skewMs);
    this.storage = new SimStorage(member, around.rules, around.scheduler, clock, observer);
  }

  peers(): readonly SimStorage[] {
    return this.#around.others(this.storage.member);
  }

  get rules(): Rules {
    return this.#around.rules;
  }

  /** The others that nobody has retired, dead ones too. */
  everMet(): readonly SimStorage[] {
    return this.#around.everMet().filter((each) => each !== this.storage);
  }

  /** A call by a process of this board. */
  call<T>(to: SimStorage, work: () => Task<T>): Task<T | undefined> {
    return this.#around.wires.call(this.storage.member, to, work);
  }

  /** A question that changes nothing. */
  ask<T>(to: SimStorage, question: () => T): Task<T | undefined> {
    return this.call(to, () => this.#around.scheduler.atOnce(question));
  }

  /** A process of this board; ends with the power. */
  run<T>(task: Task<T>, done: (value: T) => void = () => undefined): void {
    const power = this.#power;
    this.#around.scheduler.spawn(task, () => this.#power === power, done);
  }

  setClock(now: number): void {
    this.skewMs = now - EPOCH_MS - this.#around.scheduler.now;
  }

  later(delayMs: number, run: () => void): void {
    this.#around.scheduler.at(delayMs, run);
  }

  acknowledge(pushed: readonly PushedRecord[], stored: readonly Holder[]): void {
    this.#around.acknowledge(pushed, stored);
  }

  tell(line: string): void {
    this.#around.tell(line);
  }

  /** The storage server alone is killed; gateway and sweep go on. */
  killStorage(): void {
    this.storage.stop(this.random.chance(0.5));
  }

  powerOff(): void {
    this.#power += 1;
    this.sweeping = false;
    this.killStorage();
  }

  saveBackup(): void {
    this.#backup = cloneState(this.storage.durable);
  }

  /** False when there is none. */
  restoreBackup(): boolean {
    if (this.#backup === null || this.dead) return false;
    // Somebody may restart the storage server alone: a sweep that is under way goes on.
    if (this.random.chance(0.5)) this.powerOff();
    else if (this.storage.up) this.killStorage();
    this.storage.start(this.#backup);
    return true;
  }

  /** The files stay; gateway and sweep go on, or the power was off. */
  loseCatalog(): void {
    if (this.dead) return;
    if (this.random.chance(0.5)) this.powerOff();
    this.storage.loseCatalog();
  }

  /** Somebody writes past the servers; the walk makes it an ordinary write, which nobody is told at once. */
  edit(): void {
    const { storage } = this;
    if (!storage.up) return;
    const operation = this.#around.edit(storage);
    if (operation === undefined) return;
    const task = storage.commit(
      `edit ${this.#around.scheduler.now}`,
      operation,
      new Set([operation.sha256]),
      [],
    );
    const { boot } = storage;
    this.#around.scheduler.spawn(
      task,
      () => storage.boot === boot,
      (answer) => {
        if ('pushed' in answer) this.acknowledge(answer.pushed, [{ storage, disk: answer.disk }]);
      },
    );
  }

  /** An operator's word on a board that is gone. */
  retire(): void {
    if (!this.dead || this.retired) return;
    this.retired = true;
    if (this.#around.rules.retiredAreRefused) this.#around.wires.refused.add(this.storage.member);
  }

  /** With its disk as it was. Who was retired meanwhile finds every door closed. */
  comeBack(): void {
    if (!this.dead) return;
    if (!this.retired || !this.#around.rules.retiredAreRefused) this.dead = false;
    if (!this.storage.up) this.storage.start();
  }

  start(): void {
    if (!this.dead && !this.storage.up) this.storage.start();
  }
}
