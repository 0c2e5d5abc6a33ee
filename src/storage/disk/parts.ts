/**
 * `.cloudroid/parts`: what came of uploads that broke off. Each is two files: `<id>`, the bytes, and `<id>.json`, whose they
 * are. The bytes are flushed before the record is written, and the record names their size and hash; so whatever the end
 * of the process or the power leaves here is a whole part or is cleared away. Bytes behind the size are not the part's.
 *
 * Nothing here was acknowledged to anybody: parts are the first to go when space is short.
 */
import { randomBytes } from 'node:crypto';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  type AdoptRequest,
  type FoundPart,
  type KeepRequest,
  type Part,
  type PartOwner,
  partKey,
} from '../../peers/protocol-parts.ts';
import { Refusal } from '../../replication/operation.ts';
import { failpoint } from '../../system/failpoint.ts';
import { UNSET_BEFORE_MS } from '../steady-clock.ts';
import { errnoOf } from '../store-errors.ts';
import { flushDirectory } from './flush-directories.ts';
import { flushPart, type PartRecord, parsePartRecord, writePartRecord } from './part-files.ts';
import { copyBytes } from './staged-prefix.ts';
import type { Staging } from './staging.ts';

export const MOST_PARTS_OF_A_USER = 100;
export const MOST_PARTS = 1000;

const RECORD = /^([0-9a-f]{24})\.json$/;

export class Parts {
  readonly #dir: string;
  readonly #staging: Staging;
  readonly #now: () => number;
  /** By `partKey`, the one kept last at the end. */
  readonly #parts = new Map<string, PartRecord>();
  #lastSerial = 0;

  /** `now`: milliseconds since 1970. */
  constructor(dir: string, staging: Staging, now: () => number) {
    this.#dir = dir;
    this.#staging = staging;
    this.#now = now;
  }

  /** At the start, before anything else: reads what is there, clears away what is not whole. */
  load(): void {
    mkdirSync(this.#dir, { recursive: true });
    const names = new Set(readdirSync(this.#dir));
    const found: PartRecord[] = [];
    for (const name of names) {
      const id = RECORD.exec(name)?.[1];
      const record = id === undefined ? null : this.#read(id);
      if (record !== null) found.push(record);
    }
    found.sort((a, b) => a.serial - b.serial);
    for (const record of found) this.#remember(record);
    const whole = new Set([...this.#parts.values()].flatMap(({ id }) => [id, `${id}.json`]));
    for (const name of names) if (!whole.has(name)) rmSync(join(this.#dir, name), { force: true });
  }

  #read(id: string): PartRecord | null {
    const record = parsePartRecord(id, readFileSync(this.#recordPath(id), 'utf8'));
    const bytes = lstatSync(this.#path(id), { throwIfNoEntry: false });
    return record !== null && bytes?.isFile() === true && bytes.size >= record.size ? record : null;
  }

  /** The newest of a user and path replaces the others. */
  #remember(record: PartRecord): PartRecord | undefined {
    const key = partKey(record);
    const before = this.#parts.get(key);
    this.#parts.delete(key);
    this.#parts.set(key, record);
    this.#lastSerial = Math.max(this.#lastSerial, record.serial);
    return before;
  }

  /** Durable when this resolves. Throws Refusal missing-content, hash-mismatch, busy; FlushFailed. */
  async keep({ staged, ...request }: KeepRequest): Promise<Part> {
    const { size } = request;
    const bytes = await this.#staging.take(staged);
    const id = randomBytes(12).toString('hex');
    try {
      await flushPart(bytes, size);
      failpoint('part:flushed');
      renameSync(bytes, this.#path(id));
    } catch (error) {
      await this.#staging.drop(staged);
      if (errnoOf(error) !== 'ENOENT') throw error;
      throw new Refusal('missing-content', 'no such staged file', { cause: error });
    }
    failpoint('part:moved');
    const record: PartRecord = { ...request, id, at: this.#now(), serial: this.#lastSerial + 1 };
    this.#lastSerial = record.serial;
    try {
      await writePartRecord(this.#recordPath(id), record);
      failpoint('part:recorded');
      await flushDirectory(this.#dir);
    } catch (error) {
      this.#removeFiles(record.id);
      throw error;
    }
    const before = this.#remember(record);
    if (before !== undefined) this.#removeFiles(before.id);
    this.#keepWithinLimits(record);
    const { sha256, over } = record;
    return { id, size, sha256, over };
  }

  #keepWithinLimits({ user, mostBytes = Number.POSITIVE_INFINITY }: PartRecord): void {
    const all = [...this.#parts.values()];
    const own = all.filter((part) => part.user === user);
    const tooMany = new Set([...own.slice(0, -MOST_PARTS_OF_A_USER), ...all.slice(0, -MOST_PARTS)]);
    let bytes = 0;
    for (const part of own.toReversed()) {
      bytes += part.size;
      if (bytes > mostBytes) tooMany.add(part);
    }
    for (const part of tooMany) this.#remove(part);
  }

  find(owner: PartOwner): FoundPart | null {
    const part = this.#parts.get(partKey(owner));
    if (part === undefined || this.#isTooOld(part)) return null;
    const { id, size, sha256, over } = part;
    return { id, size, sha256, over, diskPath: this.#path(id) };
  }

  /**
   * Makes a staging file that begins with the whole part; returns its path. A second name of the same file where the part's
   * is the only one: what is written behind its size is no matter to it, and nothing is copied. With a name more somebody else
   * may hold these bytes for stored ones. Throws Refusal missing-content, busy, no-space.
   */
  async adopt(
    { part: id, staged, ...owner }: AdoptRequest,
    requireRoom: (bytes: number) => void,
  ): Promise<number> {
    const part = this.find(owner);
    if (part?.id !== id) throw new Refusal('missing-content', 'the part is not here any more');
    const { diskPath, size } = part;
    const path = this.#staging.take(staged);
    // From a first try whose answer was lost.
    rmSync(path, { force: true });
    if (lstatSync(diskPath).nlink === 1) {
      truncateSync(diskPath, size);
      linkSync(diskPath, path);
      return await this.#staging.make(staged, true);
    }
    requireRoom(size);
    await this.#staging.make(staged, true);
    await copyBytes(diskPath, path, size);
    return size;
  }

  /** False: there was none. Durable when this resolves. */
  async drop(owner: PartOwner): Promise<boolean> {
    const part = this.#parts.get(partKey(owner));
    if (part === undefined) return false;
    const alive = !this.#isTooOld(part);
    this.#remove(part);
    await flushDirectory(this.#dir);
    return alive;
  }

  keys(): string[] {
    return [...this.#parts.keys()];
  }

  get bytes(): number {
    let sum = 0;
    for (const { size } of this.#parts.values()) sum += size;
    return sum;
  }

  /** Takes away what is too old. Only with a clock that can be trusted. */
  expire(): void {
    const now = this.#now();
    for (const [key, part] of [...this.#parts]) {
      if (this.#isTooOld(part)) this.#remove(part);
      // Kept by a clock that was not right: its time begins now.
      else if (part.at > now || part.at < UNSET_BEFORE_MS) this.#parts.set(key, { ...part, at: now });
    }
  }

  /** Frees about so many bytes at once, oldest first. False: there are no parts. */
  makeRoom(bytes: number): boolean {
    let freed = 0;
    for (const part of [...this.#parts.values()]) {
      if (freed >= bytes && freed > 0) break;
      this.#remove(part);
      freed += part.size;
    }
    return freed > 0;
  }

  /** Not one of a board without a battery that was kept before it knew the time: its age cannot be said. */
  #isTooOld({ at, keepMs }: PartRecord): boolean {
    return at >= UNSET_BEFORE_MS && this.#now() - at >= keepMs;
  }

  #remove(part: PartRecord): void {
    if (this.#parts.get(partKey(part))?.id === part.id) this.#parts.delete(partKey(part));
    this.#removeFiles(part.id);
  }

  /** The record first: bytes alone are cleared away at the next start. */
  #removeFiles(id: string): void {
    for (const path of [`${this.#recordPath(id)}.new`, this.#recordPath(id), this.#path(id)]) {
      removeIfThere(path);
    }
  }

  #path(id: string): string {
    return join(this.#dir, id);
  }

  #recordPath(id: string): string {
    return join(this.#dir, `${id}.json`);
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
