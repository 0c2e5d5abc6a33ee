/**
 * A whole network under one seed: members that write, push, pull, compare, collect, restart, go back to a backup, lose
 * their catalog, die and come back, over wires that delay, repeat, reorder and lose. Everything is told in `story`.
 */
import { type Operation, type PushedRecord, Refusal } from '../../src/replication/operation.ts';
import type { ReplicaRecord, VersionVector } from '../../src/replication/record.ts';
import { isLive, shownPath } from '../../src/replication/tree-view.ts';
import { covers } from '../../src/replication/version.ts';
import { Clients } from './clients.ts';
import { Collected } from './collected.ts';
import { brokenPromises, filesLeftBehind, type LeftFile } from './promises.ts';
import { Random } from './random.ts';
import { RULES, type Rules } from './rules.ts';
import { type Cut, WHOLE } from './shrink.ts';
import { type Committed, SimMember, type Write } from './sim-member.ts';

const STEPS = {
  write: 42,
  deliver: 22,
  pull: 20,
  collect: 6,
  quiet: 2,
  edit: 3,
  cut: 3,
  restart: 3,
  backup: 2,
  restore: 1,
  catalog: 1,
  die: 1,
  return: 1,
  retire: 1,
  clock: 1,
};
/** What makes some networks different from others. */
const MOODS = [
  {},
  { collect: 15, quiet: 4, write: 30 },
  { die: 5, return: 6, retire: 4, quiet: 4, write: 30 },
  { backup: 8, restore: 6, quiet: 6, write: 30 },
  { catalog: 6, backup: 3, restore: 2, quiet: 4, write: 30 },
];

/** As a board has it whose battery is empty, or somebody's mistyped year. */
const FAR_OFF = [0, Date.UTC(2106, 0)];
const MAX_ROUNDS = 20;
/** After the first broken promise the rest is noise. */
const MAX_BROKEN = 5;

interface Message {
  readonly from: SimMember;
  readonly to: SimMember;
  readonly pushed: readonly PushedRecord[];
  readonly knowledge: VersionVector;
}

export interface Run {
  readonly seed: number;
  /** Empty: every promise was kept. */
  readonly broken: readonly string[];
  readonly story: readonly string[];
  /** How many parts a shrunk run may leave out. */
  readonly parts: number;
}

export function runNetwork(seed: number, rules: Rules = RULES, cut: Cut = WHOLE): Run {
  const network = new Network(seed, rules);
  const parts = network.live(cut);
  network.heal();
  return { seed, broken: network.check(), story: network.story, parts };
}

class Network {
  readonly story: string[] = [];
  readonly #seed: number;
  readonly #rules: Rules;
  readonly #random: Random;
  readonly #members: SimMember[];
  readonly #messages: Message[] = [];
  readonly #writes: Write[] = [];
  /** Writes that went with a disk before anybody else had them. */
  readonly #excused = new Set<Write>();
  /** Writes of which nobody has the bytes any more. */
  readonly #gone = new Set<Write>();
  readonly #collected = new Collected();
  readonly #broken: string[] = [];
  /** One-way: `from>to`. */
  readonly #cut = new Set<string>();
  readonly #clients: Clients;
  readonly #weights: typeof STEPS;
  readonly #left: LeftFile[] = [];

  constructor(seed: number, rules: Rules) {
    this.#seed = seed;
    this.#rules = rules;
    this.#random = new Random(seed);
    this.#clients = new Clients(this.#random);
    this.#weights = { ...STEPS, ...this.#random.pick(MOODS) };
    this.#members = Array.from(
      { length: 2 + this.#random.below(4) },
      (_, index) => new SimMember('abcde'.charAt(index), 1_000_000 + this.#random.below(300), rules),
    );
  }

  live(cut: Cut): number {
    const steps = 10 + this.#random.below(50);
    for (let step = 0; step < steps; step += 1) {
      if (cut.without.has(step)) continue;
      this.#random.begin(this.#seed, step);
      this.#step();
    }
    this.#random.begin(this.#seed, steps);
    return steps;
  }

  #step(): void {
    const random = this.#random;
    const member = random.pick(this.#alive());
    member.clock += random.below(20) - (random.chance(0.1) ? random.below(200) : 0);
    const steps: { readonly [kind in keyof typeof STEPS]: () => void } = {
      write: () => this.#write(member),
      deliver: () => this.#deliver(),
      pull: () => this.#pull(member, random.pick(['end', 'end', 'additions', 'half the additions'])),
      collect: () => this.#collect(member, random.pick([0, 20, 100])),
      quiet: () => this.#quiet(),
      edit: () => (random.chance(0.5) ? this.#editFile(member) : this.#removeFile(member)),
      cut: () => this.#cutOrJoin(member),
      restart: () => this.#restart(member),
      backup: () => this.#backup(member),
      restore: () => this.#restore(member),
      catalog: () => this.#loseCatalog(member),
      die: () => this.#die(member),
      return: () => this.#return(),
      retire: () => this.#retire(random.pick(this.#members)),
      clock: () => this.#setClock(member),
    };
    steps[random.weighted(this.#weights)]();
  }

  #setClock(member: SimMember): void {
    member.clock = this.#random.pick(FAR_OFF) + this.#random.below(100);
    this.story.push(`${member.id} believes it is ${new Date(member.clock).toISOString()}`);
  }

  #alive(): SimMember[] {
    return this.#members.filter(({ alive }) => alive);
  }

  #write(member: SimMember): void {
    const operation = this.#clients.operation();
    const asked = this.#random.pick(this.#alive());
    // Now and then a proxy fails over: it has seen another member's records.
    const seen = this.#random.chance(0.1) ? this.#seenBy(asked, operation) : [];
    try {
      this.#committed(member, member.commit(operation, seen), JSON.stringify(operation));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }

  #committed(member: SimMember, { pushed, writes }: Committed, what: string): void {
    if (pushed.length === 0) return;
    this.#writes.push(...writes);
    const told = writes.map(({ record }) => record.dot.join(' ')).join(', ');
    this.story.push(`${member.id}: ${what} as ${told}`);
    const { knowledge } = member.table;
    for (const to of this.#members)
      if (to !== member && this.#reaches(member, to))
        this.#messages.push({ from: member, to, pushed, knowledge });
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
    if (message === undefined || !message.to.alive || this.#isRefused(message.from)) return;
    const { changes } = message.to.table;
    const outcomes = message.to.push(message.pushed, this.#random.chance(0.8), message.knowledge);
    if (message.to.table.changes === changes) return;
    const dots = new Set(message.pushed.map(({ record }) => record.dot.join(' ')));
    this.#countAgain(message.to, ({ record }) => dots.has(record.dot.join(' ')));
    this.#watch(message.to);
    const what = message.pushed.map(({ record }) => record.dot.join(' ')).join(', ');
    this.story.push(`push of ${what} to ${message.to.id}: ${outcomes.join(' ')}`);
  }

  /** What a member has forgotten must not be news to it. */
  #watch(member: SimMember): void {
    for (const record of member.table.all()) {
      this.#collected.meet(record);
      if (isLive(record) && member.forgot.has(record))
        this.#break(`came back at ${member.id}: ${record.path} [${record.dot.join(' ')}]`);
    }
  }

  #break(line: string): void {
    if (this.#broken.length < MAX_BROKEN) this.#broken.push(line);
  }

  #isRefused({ retired }: SimMember): boolean {
    return retired && this.#rules.retiredAreRefused;
  }

  #pull(member: SimMember, until: 'end' | 'additions' | 'half the additions'): void {
    const peer = this.#random.pick(this.#members);
    if (peer === member || !peer.alive || this.#cut.has(`${peer.id}>${member.id}`)) return;
    this.#exchange(member, peer, until);
  }

  #exchange(member: SimMember, peer: SimMember, until: 'end' | 'additions' | 'half the additions'): void {
    const { changes } = member.table;
    const outcomes = member.pull(peer, until);
    if (until !== 'end') {
      this.story.push(`${member.id} pulls from ${peer.id} until ${until}: ${outcomes.join(' ')}`);
      this.#watch(member);
      return;
    }
    const forgotten = member.compare(peer);
    this.#watch(member);
    if (member.table.changes > changes)
      this.story.push(`${member.id} pulls from ${peer.id}: ${outcomes.join(' ')}`);
    // Whether everything is here is what such a member cannot judge; nor can others by it.
    if (peer.rebuilding) return;
    if (member.rebuilding) this.#settle(member);
    if (forgotten.length > 0) this.#endForgotten(member, forgotten, peer);
  }

  #settle(member: SimMember): void {
    for (const committed of member.settleLeftovers())
      this.#committed(member, committed, 'keeps a file it found');
  }

  #endForgotten(member: SimMember, forgotten: readonly ReplicaRecord[], peer: SimMember): void {
    for (const record of forgotten)
      if (!this.#collected.has(record)) this.#break(`ended, though nobody had: ${record.dot.join(' ')}`);
    const committed = member.endForgotten(forgotten);
    if (committed !== undefined)
      this.#committed(member, committed, `ends ${forgotten.map(({ path }) => path)} forgotten by ${peer.id}`);
  }

  #collect(member: SimMember, keepMs: number): void {
    const all = this.#members.filter(({ retired }) => !retired);
    const answers = (peer: SimMember) =>
      peer === member ||
      (peer.alive && !this.#cut.has(`${peer.id}>${member.id}`) && !this.#cut.has(`${member.id}>${peer.id}`));
    if (this.#rules.everybodyIsAsked && !all.every(answers)) return;
    const asked = this.#rules.everybodyIsAsked ? all : [];
    const gone = member.collect(
      asked.map(({ table }) => table.knowledge),
      keepMs,
    );
    for (const tombstone of gone) {
      this.#collected.add(
        tombstone,
        this.#members.map(({ table }) => table),
      );
      member.forgot.add(tombstone);
      this.story.push(`${member.id} collects ${tombstone.path} [${tombstone.dot.join(' ')}]`);
    }
  }

  /** A day on which nothing fails: everybody hears everything and forgets what may be forgotten. Messages stay late. */
  #quiet(): void {
    this.#cut.clear();
    this.story.push('a quiet day');
    if (this.#random.chance(0.5)) for (const member of this.#members) this.#retire(member);
    for (let round = 0; round < 2; round += 1)
      for (const member of this.#alive())
        for (const peer of this.#alive()) if (peer !== member) this.#exchange(member, peer, 'end');
    for (const member of this.#alive()) if (this.#random.chance(0.9)) this.#collect(member, -Infinity);
    // The next day: backups from before, or new ones.
    for (const member of this.#alive()) {
      const dice = this.#random.next();
      if (dice < 0.3) this.#restore(member);
      else if (dice < 0.5) this.#backup(member);
    }
  }

  /** Somebody at the board itself, past the servers. Not the last copy there is: that nobody can bring back. */
  #removeFile(member: SimMember): void {
    const files = member.table.all().filter(({ kind }) => kind === 'file');
    if (files.length === 0) return;
    const { sha256, path } = this.#random.pick(files);
    if (!this.#alive().some((other) => other !== member && other.bytes.has(sha256))) return;
    member.bytes.delete(sha256);
    this.story.push(`somebody removes ${path} from the disk of ${member.id}`);
  }

  /** What the walk finds becomes an ordinary write; nobody is told at once. */
  #editFile(member: SimMember): void {
    const random = this.#random;
    const files = member.table.all().filter(({ kind }) => kind === 'file');
    const shown = files.map((record) => shownPath(record, member.table));
    const path = random.pick(random.chance(0.5) && shown.length > 0 ? shown : this.#clients.paths);
    try {
      const { writes } = member.commit({ op: 'put', path, size: 1, sha256: this.#clients.content() }, []);
      this.#writes.push(...writes);
      const dots = writes.map(({ record }) => record.dot.join(' '));
      this.story.push(`somebody writes ${path} on the disk of ${member.id}: ${dots.join(', ')}`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }

  /** What was removed from the disk comes back from whoever has it. */
  #walk(member: SimMember): void {
    for (const { kind, sha256 } of member.table.all())
      if (kind === 'file' && this.#alive().some(({ bytes }) => bytes.has(sha256))) member.bytes.add(sha256);
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

  #backup(member: SimMember): void {
    member.saveBackup();
    this.story.push(`${member.id} makes a backup`);
  }

  #restore(member: SimMember): void {
    if (!member.restoreBackup()) return;
    this.#giveUpLeft(member);
    this.story.push(`${member.id} goes back to its backup`);
    this.#countAgain(member, () => true);
    this.#excuseLost();
  }

  #loseCatalog(member: SimMember): void {
    for (const record of member.table.all()) {
      if (record.kind === 'file') this.#left.push({ member, record, shown: shownPath(record, member.table) });
    }
    member.loseCatalog();
    this.story.push(`${member.id} loses its catalog`);
    this.#excuseLost();
  }

  #die(member: SimMember): void {
    if (this.#alive().length < 3) return;
    member.alive = false;
    this.#giveUpLeft(member);
    this.story.push(`${member.id} dies`);
    this.#excuseLost();
  }

  /** With its disk as it was; who was retired meanwhile is turned away. */
  #return(): void {
    const member = this.#random.pick(this.#members);
    if (member.alive || this.#isRefused(member)) return;
    member.alive = true;
    member.restart();
    this.#countAgain(member, () => true);
    this.story.push(`${member.id} is back`);
  }

  #retire(member: SimMember): void {
    if (member.alive || member.retired) return;
    member.retired = true;
    this.story.push(`${member.id} is retired`);
  }

  #giveUpLeft(member: SimMember): void {
    const others = this.#left.filter((file) => file.member !== member);
    this.#left.splice(0, this.#left.length, ...others);
  }

  /** What no living disk holds any more cannot be asked for. */
  #excuseLost(): void {
    const known = ({ record }: Write) =>
      this.#alive().some(
        ({ table }) =>
          covers(table.get(record.path)?.context ?? {}, record.dot) ||
          this.#collected.isKnownBy(table, record),
      );
    const hasBytes = ({ record }: Write) =>
      record.kind !== 'file' || this.#alive().some(({ bytes }) => bytes.has(record.sha256));
    for (const write of this.#writes) {
      if (!known(write)) this.#excused.add(write);
      if (!hasBytes(write)) this.#gone.add(write);
    }
  }

  /** A message under way, or a disk that comes back, may bring a write that seemed to be gone with a disk. */
  #countAgain({ table }: SimMember, brought: (write: Write) => boolean): void {
    for (const write of this.#excused) {
      const { path, dot } = write.record;
      if (brought(write) && covers(table.get(path)?.context ?? {}, dot)) this.#excused.delete(write);
    }
  }

  heal(): void {
    this.#cut.clear();
    this.story.push('everything is healed');
    const alive = this.#alive();
    const [first] = alive;
    if (first !== undefined && alive.every(({ rebuilding }) => rebuilding)) {
      this.story.push(`an operator tells ${first.id} to go on alone`);
      this.#settle(first);
    }
    this.#pullAll();
    while (this.#messages.length > 0) this.#deliver();
    this.#pullAll();
    for (const member of alive) if (this.#random.chance(0.5)) this.#collect(member, -Infinity);
    this.#pullAll();
  }

  /** Until nothing moves: a deletion made in one round is told in the next. */
  #pullAll(): void {
    const alive = this.#alive();
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const before = alive.map(({ table }) => [table.changes, table.knowledge]);
      for (const member of alive) {
        for (const peer of alive) if (peer !== member) this.#exchange(member, peer, 'end');
        this.#walk(member);
      }
      const moved = ({ table }: SimMember, index: number) =>
        table.changes !== before[index]?.[0] || table.knowledge !== before[index]?.[1];
      if (round > 1 && !alive.some(moved)) return;
    }
    this.#break('the members never come to rest');
  }

  check(): string[] {
    const table = this.#alive()[0]?.table;
    if (table !== undefined) this.#broken.push(...filesLeftBehind(this.#left, table, this.#writes));
    const survivors = this.#alive().map(({ id, table, bytes }) => ({ id, table, bytes }));
    return [
      ...this.#broken,
      ...brokenPromises(survivors, this.#writes, this.#excused, this.#gone, this.#collected),
    ];
  }
}
