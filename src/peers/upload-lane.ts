/**
 * The way of an upload's bytes into one peer's staging. It has a bounded queue from the first byte on: nobody waits for a
 * connection to be made, and a peer that does not answer is like one that is too slow.
 *
 * Invariant: once it is dropped its queue is empty, and what is written to it goes nowhere.
 */
import { Refusal } from '../replication/operation.ts';
import type { Peer } from './peer.ts';
import type { StageRequest } from './protocol.ts';
import type { ReplicaUpload } from './replica-client-api.ts';

/** Of the queue, with the socket. */
const SOCKET_BYTES = 512 * 1024;

export class PeerLane {
  readonly peer: Peer;
  readonly #stage: StageRequest;
  readonly #queue: { readonly chunk: Uint8Array; readonly done: () => void }[] = [];
  #queued = 0;
  /** Bytes given to the upload. */
  #given = 0;
  #upload: ReplicaUpload | null = null;
  #dropped = Promise.withResolvers<false>();
  #state: 'open' | 'ending' | 'dropped' = 'open';
  #wake: () => void = () => undefined;
  #wanted: { bytes: number; resolve: () => void } | null = null;
  readonly #sending: Promise<boolean>;

  /** `failed`: called with what went wrong, unless it was dropped on purpose. */
  constructor(peer: Peer, stage: StageRequest, failed: (error: unknown) => void) {
    this.peer = peer;
    this.#stage = stage;
    this.#sending = this.#send().catch((error: unknown) => {
      if (this.#state !== 'dropped') failed(error);
      this.drop(error instanceof Error ? error.message : String(error));
      return false;
    });
  }

  get isOpen(): boolean {
    return this.#state !== 'dropped';
  }

  /** The peer takes bytes: it is not merely waited for. */
  get isConnected(): boolean {
    return this.#upload !== null;
  }

  /** Bytes not yet handed to the kernel. */
  get queuedBytes(): number {
    return this.isOpen ? this.#queued + (this.#upload?.queuedBytes ?? 0) : 0;
  }

  /** Bytes on their way or there. */
  get sentBytes(): number {
    return this.#given - (this.isOpen ? (this.#upload?.queuedBytes ?? 0) : 0);
  }

  /** `done`: called once, when the memory of the chunk is not needed any more. */
  write(chunk: Uint8Array, done: () => void): void {
    if (this.#state !== 'open') {
      done();
      return;
    }
    this.#queue.push({ chunk, done });
    this.#queued += chunk.length;
    this.#wake();
  }

  async #send(): Promise<boolean> {
    const { client } = this.peer;
    // A plain STOR makes the staging file; only a prefix needs the verb.
    const { size } = this.#stage.prefix === undefined ? { size: 0 } : await client.stage(this.#stage);
    if (size < (this.#stage.prefix?.length ?? 0)) throw new Refusal('missing-content', 'half a prefix');
    const upload = await client.openUpload(this.#stage.id, size);
    if (this.#state === 'dropped') {
      upload.abort('it was dropped');
      return false;
    }
    this.#upload = upload;
    let broken: unknown;
    upload.failed.catch((error: unknown) => {
      broken = error ?? new Error('the transfer broke');
      this.#wake();
    });
    for (;;) {
      if (broken !== undefined) throw broken;
      const next = this.#queue.shift();
      if (next !== undefined) {
        const { chunk, done } = next;
        this.#queued -= chunk.length;
        this.#given += chunk.length;
        if (!upload.write(chunk, done) && upload.queuedBytes > SOCKET_BYTES) await upload.drained();
        this.#checkRoom();
      } else if (this.#state === 'open') {
        const stirred = Promise.withResolvers<void>();
        this.#wake = stirred.resolve;
        await stirred.promise;
      } else {
        break;
      }
    }
    if (!this.isOpen) return false;
    await upload.end();
    return this.isOpen;
  }

  /** Resolves when no more than `bytes` are queued, the lane is gone, or after `atMostMs`. One may wait. */
  async shorterThan(bytes: number, atMostMs: number): Promise<void> {
    const room = Promise.withResolvers<void>();
    this.#wanted = { bytes, resolve: room.resolve };
    const timeout = setTimeout(room.resolve, atMostMs);
    this.#checkRoom();
    await room.promise;
    clearTimeout(timeout);
    this.#wanted = null;
  }

  #checkRoom(): void {
    if (this.#wanted !== null && this.queuedBytes <= this.#wanted.bytes) this.#wanted.resolve();
  }

  /** Sends the end; true when the peer has it all in staging, false as soon as the lane is dropped. */
  async end(): Promise<boolean> {
    if (this.#state === 'open') this.#state = 'ending';
    this.#wake();
    return await Promise.race([this.#sending, this.#dropped.promise]);
  }

  drop(reason: string): void {
    if (this.#state === 'dropped') return;
    this.#state = 'dropped';
    for (const { done } of this.#queue.splice(0)) done();
    this.#queued = 0;
    this.#upload?.abort(reason);
    this.#dropped.resolve(false);
    this.#wake();
    this.#checkRoom();
  }
}
