/**
 * One way that the bytes of an upload take: into this member's own staging file, or over a connection into a peer's.
 * Each has a bounded queue.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Refusal } from '../replication/operation.ts';
import { systemCodeOf } from '../system/exit-status.ts';
import type { Peer } from './peer.ts';
import type { ReplicaUpload } from './replica-client-api.ts';

/** Bytes that may wait for the own disk. */
const LOCAL_QUEUE_BYTES = 4 * 1024 * 1024;
/** Bytes that may wait for a peer: the bounded buffer of the live fan-out. */
export const PEER_QUEUE_BYTES = 8 * 1024 * 1024;

/** Writes a staging file directly; what gathers during one write goes out with the next. */
export class LocalLane {
  readonly #file: FileHandle;
  #position: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | null = null;
  #failure: unknown = null;

  private constructor(file: FileHandle, position: number) {
    this.#file = file;
    this.#position = position;
  }

  static async open(path: string, position: number): Promise<LocalLane> {
    return new LocalLane(await open(path, 'r+'), position);
  }

  /** Throws Refusal no-space or io. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#throwIfFailed();
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    this.#writing ??= this.#drain();
    while (this.#waitingBytes > LOCAL_QUEUE_BYTES && this.#writing !== null) await this.#writing;
    this.#throwIfFailed();
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting;
        const bytes = this.#waitingBytes;
        this.#waiting = [];
        this.#waitingBytes = 0;
        await this.#writeBatch(batch, bytes);
      }
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#writing = null;
    }
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
    while (this.#writing !== null) await this.#writing;
    await this.#file.close();
    this.#throwIfFailed();
  }

  async abort(): Promise<void> {
    this.#waiting = [];
    this.#waitingBytes = 0;
    while (this.#writing !== null) await this.#writing;
    await this.#file.close().catch(() => undefined);
  }

  #throwIfFailed(): void {
    if (this.#failure === null) return;
    const code = systemCodeOf(this.#failure);
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new Refusal(full ? 'no-space' : 'io', `staging: ${String(this.#failure)}`, {
      cause: this.#failure,
    });
  }
}

export class PeerLane {
  readonly peer: Peer;
  readonly #upload: ReplicaUpload;
  #state: 'open' | 'dropped' = 'open';
  /** Why it is not in the fan-out any more. */
  reason = '';
  /** Bytes given to it. */
  #given = 0;
  #fullSince: { at: number; sent: number } | null = null;
  #draining: Promise<void> | null = null;

  constructor(peer: Peer, upload: ReplicaUpload) {
    this.peer = peer;
    this.#upload = upload;
    upload.failed.catch((error: unknown) =>
      this.drop(error instanceof Error ? error.message : String(error)),
    );
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get queuedBytes(): number {
    return this.isOpen ? this.#upload.queuedBytes : 0;
  }

  get isFull(): boolean {
    return this.queuedBytes > PEER_QUEUE_BYTES;
  }

  write(chunk: Uint8Array): void {
    if (!this.isOpen) return;
    this.#given += chunk.length;
    this.#upload.write(chunk);
  }

  /** Resolves when the queue is shorter, the lane is gone, or after `atMostMs`. */
  async shorter(atMostMs: number): Promise<void> {
    // One listener for all who wait, however often they ask.
    this.#draining ??= this.#upload
      .drained()
      .catch(() => undefined)
      .finally(() => {
        this.#draining = null;
      });
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, atMostMs);
    await Promise.race([this.#draining, timer.promise]);
    clearTimeout(timeout);
  }

  /**
   * Bytes a second while the queue has been full for at least `overMs`; null before. Starts a new measurement when it
   * answers.
   */
  rateWhileFull(now: number, overMs: number): number | null {
    const sent = this.#given - this.queuedBytes;
    this.#fullSince ??= { at: now, sent };
    const elapsed = now - this.#fullSince.at;
    if (elapsed < overMs) return null;
    const rate = ((sent - this.#fullSince.sent) / elapsed) * 1000;
    this.#fullSince = { at: now, sent };
    return rate;
  }

  notFull(): void {
    this.#fullSince = null;
  }

  /** Sends the end, waits until the peer has it all in staging. False: it has not. */
  async end(): Promise<boolean> {
    if (!this.isOpen) return false;
    try {
      await this.#upload.end();
      return this.isOpen;
    } catch (error) {
      this.drop(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  drop(reason: string): void {
    if (this.#state === 'dropped') return;
    this.#state = 'dropped';
    this.reason = reason;
    this.#upload.abort(reason);
  }
}
