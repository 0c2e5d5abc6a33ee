/**
 * A whole network under one seed: members that write, push, pull, restart, go back to a backup and die, over wires that
 * delay, repeat, reorder and lose. Everything that happens is told in `story`.
 */
import { type Operation, type PushedRecord, Refusal } from '../../src/replication/operation.ts';
import type { ReplicaRecord, VersionVector } from '../../src/replication/record.ts';
import { covers } from '../../src/replication/version.ts';
import { brokenPromises } from './promises.ts';
import { Random } from './random.ts';
import { RULES, type Rules } from './rules.ts';
import { SimMember, type Write } from './sim-member.ts';

const PATHS = ['/x', '/y.txt', '/d', '/d/x', '/d/y.txt', '/d/e', '/d/e/x', '/e', '/e/x'];

interface Message {
  readonly to: SimMember;
  readonly pushed: readonly PushedRecord[];
  readonly knowledge: VersionVector;
}

export interface Run {
  readonly seed: number;
  /** Empty: every promise was kept. */
  readonly broken: readonly string[];
  readonly story: readonly string[];
}

export function runNetwork(seed: number, rules: Rules = RULES): Run {
  const network = new Network(seed, rules);
  network.live();
  network.heal();
  return { seed, broken: network.check(), story: network.story };
}

class Network {
  readonly story: string[] = [];
  readonly #random: Random;
  readonly #members: SimMember[];
  readonly #messages: Message[] = [];
  readonly #writes: Write[] = [];
  /** Writes that went with a disk before anybody else had them. */
  readonly #excused = new Set<Write>();
  /** One-way: `from>to`. */
  readonly #cut = new Set<string>();
  #content = 0;

  constructor(seed: number, rules: Rules) {
    this.#random = new Random(seed);
    this.#members = Array.from(
      { length: 2 + this.#random.below(4) },
      (_, index) => new SimMember('abcde'.charAt(index), this.#random.below(300), rules),
    );
  }

  live(): void {
    const steps = 10 + this.#random.below(50);
    for (let step = 0; step < steps; step += 1) this.#step();
  }

  #step(): void {
    const random = this.#random;
    const member = random.pick(this.#alive());
    const dice = random.next();
    member.clock += random.below(20) - (random.chance(0.1) ? random.below(200) : 0);
    if (dice < 0.45) this.#write(member);
    else if (dice < 0.7) this.#deliver();
    else if (dice < 0.88) this.#pull(member, random.pick(['end', 'end', 'additions', 'half the additions']));
    else if (dice < 0.91) this.#cutOrJoin(member);
    else if (dice < 0.94) this.#restart(member);
    else if (dice < 0.96) member.saveBackup();
    else if (dice < 0.97 && this.#alive().length === this.#members.length) this.#restore(member);
    else if (dice < 0.98 && this.#alive().length > 2) this.#die(member);
  }

  #alive(): SimMember[] {
    return this.#members.filter(({ alive }) => alive);
  }

  #write(member: SimMember): void {
    const operation = this.#operation();
    const asked = this.#random.pick(this.#alive());
    // Now and then a proxy fails over: it has seen another member's records.
    const seen = this.#random.chance(0.1) ? this.#seenBy(asked, operation) : [];
    try {
      const { pushed, writes } = member.commit(operation, seen);
      this.#writes.push(...writes);
      this.story.push(`${member.actor} ${JSON.stringify(operation)} seen ${seen.length}`);
      for (const to of this.#members) {
        const { knowledge } = member.table;
        if (to !== member && this.#reaches(member, to)) this.#messages.push({ to, pushed, knowledge });
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }

  #operation(): Operation {
    const random = this.#random;
    const path = random.pick(PATHS);
    const dice = random.next();
    if (dice < 0.45) {
      // Now and then two people store the same bytes.
      this.#content += 1;
      const content = random.chance(0.1) ? 0 : this.#content;
      return { op: 'put', path, size: 1, sha256: `content-${content}` };
    }
    if (dice < 0.6) return { op: 'delete', path };
    if (dice < 0.7) return { op: 'mkdir', path };
    if (dice < 0.78) return { op: 'rmdir', path };
    if (dice < 0.82) return { op: 'touch', path, mtime: random.below(1000) };
    return { op: 'rename', from: path, to: random.pick(PATHS) };
  }

  #seenBy(member: SimMember, operation: Operation): ReplicaRecord[] {
    const paths = operation.op === 'rename' ? [operation.from, operation.to] : [operation.path];
    return paths.map((path) => member.table.get(path)).filter((record) => record !== undefined);
  }

  #deliver(): void {
    const { length } = this.#messages;
    if (length === 0) return;
    const index = this.#random.below(length);
    const message = this.#messages[index];
    // One in five arrives again later.
    if (message === undefined || !this.#random.chance(0.2)) this.#messages.splice(index, 1);
    if (message === undefined || !message.to.alive) return;
    const outcomes = message.to.push(message.pushed, this.#random.chance(0.8), message.knowledge);
    this.story.push(`push to ${message.to.id}: ${outcomes.join(' ')}`);
  }

  #pull(member: SimMember, until: 'end' | 'additions' | 'half the additions'): void {
    const peer = this.#random.pick(this.#members);
    if (peer === member || !peer.alive || this.#cut.has(`${peer.id}>${member.id}`)) return;
    this.story.push(
      `${member.id} pulls from ${peer.id} until ${until}: ${member.pull(peer, until).join(' ')}`,
    );
  }

  #reaches(from: SimMember, to: SimMember): boolean {
    return !this.#cut.has(`${from.id}>${to.id}`) && this.#random.chance(0.8);
  }

  #cutOrJoin(member: SimMember): void {
    const wire = `${member.id}>${this.#random.pick(this.#members).id}`;
    if (!this.#cut.delete(wire)) this.#cut.add(wire);
    this.story.push(`${this.#cut.has(wire) ? 'cut' : 'joined'} ${wire}`);
  }

  #restart(member: SimMember): void {
    member.restart();
    this.story.push(`${member.id} restarts`);
  }

  #restore(member: SimMember): void {
    if (member.restoreBackup()) {
      this.story.push(`${member.id} goes back to its backup`);
      this.#excuseLost();
    }
  }

  #die(member: SimMember): void {
    member.alive = false;
    this.story.push(`${member.id} dies`);
    this.#excuseLost();
  }

  /** What no living disk holds any more cannot be asked for. */
  #excuseLost(): void {
    const held = ({ record }: Write) =>
      this.#alive().some(
        ({ table, bytes }) =>
          covers(table.get(record.path)?.context ?? {}, record.dot) &&
          (record.kind !== 'file' || bytes.has(record.sha256)),
      );
    for (const write of this.#writes) if (!held(write)) this.#excused.add(write);
  }

  heal(): void {
    this.#cut.clear();
    this.story.push('all wires are joined');
    for (let round = 0; round < 2; round += 1) {
      this.#pullAll();
      while (round === 0 && this.#messages.length > 0) this.#deliver();
    }
    this.#pullAll();
  }

  #pullAll(): void {
    for (let round = 0; round < 3; round += 1) {
      for (const member of this.#alive()) {
        for (const peer of this.#alive()) if (peer !== member) member.pull(peer, 'end');
      }
    }
  }

  check(): string[] {
    return brokenPromises(
      this.#alive().map(({ id, table, bytes }) => ({ id, table, bytes })),
      this.#writes,
      this.#excused,
    );
  }
}
