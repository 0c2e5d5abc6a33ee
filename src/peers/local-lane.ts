/** The way of an upload's bytes into this member's own staging file, written by this process itself. */
import { type FileHandle, open } from 'node:fs/promises';
import { Refusal } from '../replication/operation.ts';
import { systemCodeOf } from '../system/exit-status.ts';
import type { QueueBudget } from './queue-budget.ts';

/** When the storage server does not say. */
export const ROOM_CHECK_BYTES = 8 * 1024 * 1024;

/**
 * What waits while a write is under way. The page cache evens out what the disk takes its time for; more memory in turn
 * would only be out of the processor's cache before it is written.
 */
const LONGEST_QUEUE_BYTES = 1024 * 1024;

/**
 * So much is written before what there is of it is flushed, beside the writes that go on: else the disk would stand idle
 * while the client sends, and the client would wait for all of a gigabyte at the end.
 */
const FLUSH_BYTES = 64 * 1024 * 1024;

/** Throws Refusal no-space when the disk should take no more; else how many bytes may come before it is asked again. */
export type RoomCheck = () => Promise<number>;

/** What gathers during one write goes out with the next. */
export class LocalLane {
  readonly #file: FileHandle;
  readonly #budget: QueueBudget;
  readonly #checkRoom: RoomCheck;
  #position: number;
  #unchecked = 0;
  #room: number;
  #waiting: Uint8Array[] = [];
  /** For the chunks that wait: their memory is not needed any more. */
  #waitingDone: (() => void)[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | null = null;
  #unflushed = 0;
  #flushing: Promise<void> | null = null;
  #failure: unknown = null;

  private constructor(
    file: FileHandle,
    position: number,
    room: number,
    budget: QueueBudget,
    checkRoom: RoomCheck,
  ) {
    this.#room = room;
    this.#file = file;
    this.#budget = budget;
    this.#position = position;
    this.#checkRoom = checkRoom;
  }

  static async open(
    path: string,
    position: number,
    room: number,
    budget: QueueBudget,
    checkRoom: RoomCheck,
  ): Promise<LocalLane> {
    try {
      return new LocalLane(await open(path, 'r+'), position, room, budget, checkRoom);
    } catch (error) {
      throw diskRefusal(error);
    }
  }

  /** `done`: called when the file system has the chunk, not when that fails. Throws Refusal no-space or io. */
  async write(chunk: Uint8Array, done?: () => void): Promise<void> {
    this.#throwIfFailed();
    this.#waiting.push(chunk);
    if (done !== undefined) this.#waitingDone.push(done);
    this.#waitingBytes += chunk.length;
    this.#writing ??= this.#drain();
    const longest = Math.min(LONGEST_QUEUE_BYTES, this.#budget.each);
    while (this.#waitingBytes > longest && this.#writing !== null) await this.#writing;
    this.#throwIfFailed();
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting;
        const bytes = this.#waitingBytes;
        const written = this.#waitingDone;
        this.#waiting = [];
        this.#waitingDone = [];
        this.#waitingBytes = 0;
        await this.#writeBatch(batch, bytes);
        for (const done of written) done();
        this.#flushSometimes(bytes);
        this.#unchecked += bytes;
        if (this.#unchecked < this.#room) continue;
        this.#unchecked = 0;
        this.#room = await this.#checkRoom();
      }
    } catch (error) {
      this.#failure ??= error;
    } finally {
      this.#writing = null;
    }
  }

  /**
   * Only a head start: the storage server flushes the file before it publishes it. But a flush that fails tells so once,
   * and to whoever asked: then these bytes must never be committed.
   */
  #flushSometimes(bytes: number): void {
    this.#unflushed += bytes;
    if (this.#unflushed < FLUSH_BYTES || this.#flushing !== null) return;
    this.#unflushed = 0;
    this.#flushing = this.#file
      .datasync()
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#flushing = null;
      });
  }

  /** Resolves when the file system has all chunks. Throws Refusal no-space or io. */
  async written(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    this.#throwIfFailed();
  }

  async #settled(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    if (this.#flushing !== null) await this.#flushing;
  }

  async #writeBatch(batch: readonly Uint8Array[], bytes: number): Promise<void> {
    const { bytesWritten } = await this.#file.writev([...batch], this.#position);
    this.#position += bytesWritten;
    if (bytesWritten === bytes) return;
    // A short write: the next attempt says why.
    const rest = Buffer.concat(batch).subarray(bytesWritten);
    await this.#writeBatch([rest], rest.length);
  }

  /** All bytes are with the file system; the storage server makes them durable. */
  async end(): Promise<void> {
    await this.#settled();
    await this.#file.close();
    this.#throwIfFailed();
  }

  async abort(): Promise<void> {
    this.#waiting = [];
    this.#waitingDone = [];
    this.#waitingBytes = 0;
    await this.#settled();
    await this.#file.close().catch(() => undefined);
  }

  #throwIfFailed(): void {
    if (this.#failure !== null) throw diskRefusal(this.#failure);
  }
}

function diskRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const code = systemCodeOf(error);
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new Refusal(full ? 'no-space' : 'io', `staging: ${String(error)}`, { cause: error });
}
