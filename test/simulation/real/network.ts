/**
 * A network of real stores (SQLite, files) and real sweep rounds in one process, under a seed: only the wires and the clock
 * are the simulation's. Slower by a thousand than the models beside it, and nothing in it is modelled.
 */
import { createHash, randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { MergeRequest } from '../../../src/peers/protocol.ts';
import { type Operation, type PushedRecord, Refusal } from '../../../src/replication/operation.ts';
import type { ReplicaRecord } from '../../../src/replication/record.ts';
import { openStore } from '../../../src/storage/store.ts';
import type { Store } from '../../../src/storage/store-api.ts';
import { sweepOnce } from '../../../src/sweep/round.ts';
import { checkStore } from '../../storage/check-store.ts';
import { Random } from '../random.ts';
import { RealAccounts } from './accounts.ts';
import { directClient } from './direct-client.ts';

const STEPS = 45;
const PATHS = ['/a', '/b', '/d/a', '/d/b', '/d/e/a'];
const DAY_MS = 24 * 60 * 60 * 1000;
const MOST_ROUNDS = 15;

interface Board {
  readonly name: string;
  readonly filesDir: string;
  readonly stateDir: string;
  store: Store;
}

/** A content that somebody was told is stored. */
interface Content {
  readonly text: string;
  readonly sha256: string;
  /** Where somebody who saw it there deleted or replaced it; null: it must be somewhere. */
  endedAt: string | null;
}

export class RealNetwork {
  readonly story: string[] = [];
  readonly broken: string[] = [];
  readonly #random: Random;
  readonly #root: string;
  readonly #boards: Board[] = [];
  readonly #contents = new Map<string, Content>();
  readonly #late: (() => Promise<void>)[] = [];
  #now = 1_790_000_000_000;
  #loss = 0.1;
  #restored = false;
  #written = 0;
  /** In every other seed, with luck of its own. */
  readonly #accounts: RealAccounts | null;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#accounts = seed % 2 === 0 ? new RealAccounts(new Random(seed ^ 0x5eed)) : null;
    const memory = '/dev/shm';
    this.#root = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'cloudroid-real-'));
  }

  async run(): Promise<void> {
    try {
      for (const name of ['a', 'b', 'c']) {
        const dirs = { filesDir: join(this.#root, name, 'files'), stateDir: join(this.#root, name, 'state') };
        this.#boards.push({ name, ...dirs, store: await this.#open(name, dirs) });
      }
      for (let step = 0; step < STEPS; step += 1) await this.#step();
      await this.#heal();
    } finally {
      for (const { store } of this.#boards) await store.close();
      for (const board of this.#boards) {
        for (const wrong of checkStore(board)) this.broken.push(`${board.name}: ${wrong}`);
      }
      rmSync(this.#root, { recursive: true, force: true });
    }
  }

  #open(name: string, dirs: { filesDir: string; stateDir: string }): Promise<Store> {
    const quiet = () => undefined;
    return openStore({
      ...dirs,
      member: `${name}-0000`,
      name,
      reserveBytes: 0,
      now: () => this.#now,
      log: quiet,
    });
  }

  async #step(): Promise<void> {
    const board = this.#random.pick(this.#boards);
    const kinds = {
      put: 8,
      delete: 3,
      rename: 3,
      sweep: 8,
      late: 3,
      restart: 1,
      edit: 1,
      lose: 1,
      backup: 1,
      clock: 1,
    };
    const kind = this.#random.weighted(kinds);
    this.#now += this.#random.below(5_000);
    const path = this.#random.pick(PATHS);
    if (this.#accounts !== null && this.#random.chance(0.3)) await this.#account(board, this.#accounts);
    this.story.push(`${kind} at ${board.name} ${path}`);
    switch (kind) {
      case 'put':
        return await this.#put(board, path);
      case 'delete':
        return await this.#change(board, { op: 'delete', path });
      case 'rename':
        return await this.#change(board, { op: 'rename', from: path, to: this.#random.pick(PATHS) });
      case 'sweep':
        return void (await this.#sweep(board));
      case 'late':
        return await this.#late.splice(this.#random.below(this.#late.length || 1), 1)[0]?.();
      case 'restart':
        return await this.#restart(board);
      case 'edit':
        return await this.#edit(board, path);
      case 'lose':
        return this.#lose(board, path);
      case 'backup':
        return await this.#backup(board);
      case 'clock':
        this.#now += this.#random.chance(0.5) ? 31 * DAY_MS : -this.#random.below(DAY_MS);
    }
  }

  async #account(board: Board, accounts: RealAccounts): Promise<void> {
    const story = await accounts.step(board, this.#boards, async (operation, content) => {
      let records: readonly ReplicaRecord[] = [];
      const onCommitted = (pushed: readonly PushedRecord[]) => {
        records = pushed.map(({ record }) => record);
      };
      return (await this.#commit(board, operation, content, onCommitted)) ? records : null;
    });
    this.story.push(story);
  }

  #shown({ store }: Board, path: string): Content | undefined {
    const entry = store.record(path).entry;
    return entry?.kind === 'file' ? this.#contents.get(entry.sha256) : undefined;
  }

  async #put(board: Board, path: string): Promise<void> {
    this.#written += 1;
    const text = `content ${this.#written}`;
    const sha256 = createHash('sha256').update(text).digest('hex');
    const before = this.#shown(board, path);
    const inline = { inline: Buffer.from(text).toString('base64') };
    const operation: Operation = { op: 'put', path, size: text.length, sha256 };
    const done = await this.#commit(board, operation, { [sha256]: inline });
    if (!done) return;
    this.#contents.set(sha256, { text, sha256, endedAt: null });
    if (before !== undefined) before.endedAt = path;
  }

  async #change(board: Board, operation: Operation): Promise<void> {
    const from = operation.op === 'rename' ? operation.from : operation.op === 'delete' ? operation.path : '';
    const moved = this.#shown(board, from);
    const target = operation.op === 'rename' ? this.#shown(board, operation.to) : undefined;
    if (!(await this.#commit(board, operation, {}))) return;
    if (operation.op === 'rename' && operation.from === operation.to) return;
    if (operation.op === 'rename') {
      if (target !== undefined && target !== moved) target.endedAt = operation.to;
      if (moved !== undefined) moved.endedAt = null;
    } else if (moved !== undefined) moved.endedAt = from;
  }

  /** Commits, and pushes to the others now, later, twice or never. */
  async #commit(
    board: Board,
    operation: Operation,
    content: NonNullable<MergeRequest['content']>,
    onCommitted: (pushed: readonly PushedRecord[]) => void = () => undefined,
  ): Promise<boolean> {
    const [first] = Object.values(content);
    try {
      const { pushed = [] } = await board.store.commit({
        id: randomUUID(),
        operation,
        ...(first !== undefined && { content: first }),
      });
      onCommitted(pushed);
      for (const other of this.#boards) {
        if (other === board) continue;
        const push = async () => {
          await other.store.merge({ mode: 'push', records: pushed, content }).catch(ignoreRefusal);
        };
        const fate = this.#random.weighted({ now: 4, late: 2, twice: 1, never: 2 });
        if (fate === 'now' || fate === 'twice') await push();
        if (fate === 'late' || fate === 'twice') this.#late.push(push);
      }
      return true;
    } catch (error) {
      ignoreRefusal(error);
      return false;
    }
  }

  async #sweep(board: Board, more: { walk?: boolean } = {}) {
    const wire = {
      passes: () => ({ request: !this.#random.chance(this.#loss), answer: !this.#random.chance(this.#loss) }),
    };
    const sure = { passes: () => ({ request: true, answer: true }) };
    return await sweepOnce({
      local: directClient(() => board.store, sure, true),
      peers: this.#boards
        .filter((other) => other !== board)
        .map((other) => directClient(() => other.store, wire, false)),
      signal: new AbortController().signal,
      now: () => this.#now,
      volume: { filesDir: board.filesDir, outsideDeletions: 'restore', restMs: -1e15 },
      ...more,
    });
  }

  async #restart(board: Board): Promise<void> {
    await board.store.close();
    board.store = await this.#open(board.name, board);
  }

  /** By hand, then taken over by a walk. */
  async #edit(board: Board, path: string): Promise<void> {
    if (board.store.record(path).entry?.kind === 'directory') return;
    this.#written += 1;
    const text = `by hand ${this.#written}`;
    const before = this.#shown(board, path);
    try {
      mkdirSync(join(board.filesDir, dirname(path)), { recursive: true });
      // As editors do. Written in place, it would change other names of one inode too (docs/ARCHITECTURE.md).
      writeFileSync(join(this.#root, 'by hand'), text);
      renameSync(join(this.#root, 'by hand'), join(board.filesDir, path));
    } catch {
      return; // a file where a folder would be
    }
    // Now or by a later walk, whoever edits has seen what was there.
    if (before !== undefined) before.endedAt = 'by hand';
    await this.#sweep(board, { walk: true });
    const sha256 = createHash('sha256').update(text).digest('hex');
    if (board.store.record(path).entry?.sha256 !== sha256) return;
    this.#contents.set(sha256, { text, sha256, endedAt: null });
  }

  /** A file goes from one disk; only when another disk has its bytes. */
  #lose(board: Board, path: string): void {
    const { entry, disk } = board.store.record(path);
    if (entry === null || disk === undefined) return;
    const elsewhere = this.#boards.some((other) => other !== board && this.#holds(other, entry.sha256));
    if (elsewhere) rmSync(disk.path, { force: true });
  }

  #holds({ store, filesDir }: Board, sha256: string): boolean {
    for (let after = ''; ; ) {
      const files = store.upkeep.files(after);
      if (
        files.some((file) => file.sha256 === sha256 && file.ino !== null && existsSync(filesDir + file.place))
      )
        return true;
      if (files.length === 0) return false;
      after = files.at(-1)?.path ?? '';
    }
  }

  /** A copy of the whole board is made, life goes on, and the copy is put back. What only this board had may go. */
  async #backup(board: Board): Promise<void> {
    const copy = join(this.#root, `backup-${board.name}`);
    const home = dirname(board.filesDir);
    if (!existsSync(copy) || this.#random.chance(0.5)) {
      await board.store.close();
      rmSync(copy, { recursive: true, force: true });
      cpSync(home, copy, { recursive: true, preserveTimestamps: true });
      board.store = await this.#open(board.name, board);
      return;
    }
    const others = this.#boards.filter((other) => other !== board);
    const only = [...this.#contents.values()].filter(
      ({ sha256 }) => this.#holds(board, sha256) && !others.some((other) => this.#holds(other, sha256)),
    );
    // Records that others have and whose bytes only this disk has would hold up everybody for ever.
    const recorded = others.flatMap(({ store }) => store.upkeep.files('').map(({ sha256 }) => sha256));
    if (recorded.some((sha256) => !others.some((other) => this.#holds(other, sha256)))) return;
    await board.store.close();
    rmSync(home, { recursive: true });
    cpSync(copy, home, { recursive: true, preserveTimestamps: true });
    board.store = await this.#open(board.name, board);
    this.#restored = true;
    for (const content of only) if (!this.#holds(board, content.sha256)) content.endedAt = 'with a disk';
  }

  async #heal(): Promise<void> {
    this.#loss = 0;
    for (const late of this.#late.splice(0)) await late();
    let failures = '';
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      let applied = 0;
      failures = '';
      for (const board of this.#boards) {
        const report = await this.#sweep(board, { walk: true });
        applied += (report?.applied ?? 0) + (report?.adopted ?? 0) + (report?.repaired ?? 0);
        failures += [...(report?.failures ?? []), ...(report?.notices ?? [])].join('; ');
      }
      const trees = new Set(this.#boards.map(({ store }) => store.hello().tree));
      if (applied === 0 && trees.size === 1 && failures === '') return await this.#judge();
    }
    this.broken.push(`the boards do not become the same: ${failures}`);
  }

  async #judge(): Promise<void> {
    this.broken.push(...((await this.#accounts?.judge(this.#boards, this.#restored)) ?? []));
    const [first] = this.#boards;
    if (first === undefined) return;
    const shown = new Map<string, string[]>();
    for (const { path, sha256 } of first.store.upkeep.files(''))
      shown.set(sha256, [...(shown.get(sha256) ?? []), path]);
    for (const { text, sha256, endedAt } of this.#contents.values()) {
      const places = shown.get(sha256) ?? [];
      if (endedAt === null && places.length === 0) this.broken.push(`lost: ${text}`);
      if (endedAt !== null && !this.#restored && places.includes(endedAt))
        this.broken.push(`came back: ${text} at ${endedAt}`);
    }
  }
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof Refusal)) throw error;
}
