/** One board: a storage server, and a gateway and sweeps that die with the power. */
import type { PushedRecord } from '../../../src/replication/operation.ts';
import type { Random } from '../random.ts';
import type { Rules } from '../rules.ts';
import type { Scheduler, Task } from './scheduler.ts';
import { cloneState, type State } from './state.ts';
import { type Observer, SimStorage } from './storage.ts';
import type { Wires } from './wire.ts';

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
  readonly acknowledge: (pushed: readonly PushedRecord[], stored: readonly Holder[]) => void;
  readonly tell: (line: string) => void;
}

export class Board {
  readonly storage: SimStorage;
  readonly random: Random;
  dead = false;
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
    const clock = () => Math.max(0, 1_000_000 + around.scheduler.now + this.skewMs);
    this.storage = new SimStorage(member, around.rules, around.scheduler, clock, observer);
  }

  peers(): readonly SimStorage[] {
    return this.#around.others(this.storage.member);
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

  start(): void {
    if (!this.dead && !this.storage.up) this.storage.start();
  }
}
