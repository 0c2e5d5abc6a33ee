/**
 * Passes the bytes of one upload on to the next member of its chain while they come, and to the one behind that when the
 * next breaks off, hangs or is far too slow. The bytes lie in this member's staging file anyway and are read from there: who
 * lags slows nobody and takes no memory, and who is fed anew goes on behind what it has (REST).
 *
 * Used by the gateway that takes the upload and by the storage server of every member in the middle.
 */
import type { FileHandle } from 'node:fs/promises';
import { SlabPool } from '../ftp/slabs.ts';
import { Refusal } from '../replication/operation.ts';
import type { Logger } from '../system/logger-api.ts';
import { ChainJudge } from './chain-judge.ts';
import { BYPASSED, type ChainRequest } from './protocol-chain.ts';
import type { ReplicaClient, ReplicaUpload } from './replica-client-api.ts';

const READ_BYTES = 256 * 1024;
/** Of all uploads that are passed on from this process. */
const slabs = new SlabPool(READ_BYTES);
/** Of what is sent, with the socket. */
const SOCKET_BYTES = 512 * 1024;
const JUDGE_MS = 250;

export interface ChainSenderOptions {
  readonly id: string;
  readonly origin: string;
  /** This member's place in the chain. */
  readonly hop: number;
  readonly next: readonly string[];
  /** The staging file; closed with the sender. */
  readonly file: FileHandle;
  /** Bytes in it that are of this upload. */
  readonly start: number;
  /** Null: not known here. */
  readonly open: (member: string) => ReplicaClient | null;
  readonly logger: Logger;
  /** That member is not fed from here any more, and it lacks bytes. */
  readonly lost?: (member: string) => void;
}

/** One try to feed one member. */
interface Attempt {
  readonly member: string;
  readonly judge: ChainJudge;
  readonly lost: PromiseWithResolvers<never>;
  upload: ReplicaUpload | null;
  /** Bytes given to `upload`, those that were there before included. */
  given: number;
  over: boolean;
}

export class ChainSender {
  readonly #options: ChainSenderOptions;
  #total: number;
  #ended = false;
  #aborted = false;
  #wake: () => void = () => undefined;
  #attempt: Attempt | null = null;
  /** Resolves when all that could be fed is; never rejects. */
  readonly done: Promise<void>;

  constructor(options: ChainSenderOptions) {
    this.#options = options;
    this.#total = options.start;
    this.done = this.#run();
  }

  /** Bytes handed to the kernel for the member that is fed now. */
  get sentBytes(): number {
    const { given = 0, upload = null } = this.#attempt ?? {};
    return given - (upload?.queuedBytes ?? 0);
  }

  /** The staging file has so many bytes more. */
  grown(bytes: number): void {
    if (this.#aborted || this.#ended || bytes === 0) return;
    this.#total += bytes;
    this.#attempt?.judge.came(bytes);
    this.#wake();
  }

  /** That was all: the rest is sent, and the end. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Nobody behind gets any more: for them the upload breaks off. */
  abort(reason: string): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#lose(reason);
    this.#wake();
  }

  async #run(): Promise<void> {
    const { next, file, logger, id } = this.#options;
    try {
      let behind = next;
      while (behind.length > 0 && !this.#aborted) {
        const [member = '', ...rest] = behind;
        behind = rest;
        try {
          await this.#feed(member, rest);
          return;
        } catch (error) {
          if (this.#aborted) return;
          const reason = error instanceof Error ? error.message : String(error);
          if (error instanceof Refusal && error.kind === BYPASSED) {
            logger.debug('an upload need not be passed on from here', { member, upload: id });
            return;
          }
          this.#options.lost?.(member);
          logger.info('a member left the chain of an upload; it will catch up', {
            member,
            upload: id,
            reason,
          });
        }
      }
    } finally {
      this.#aborted = true;
      await file.close().catch(() => undefined);
    }
  }

  async #feed(member: string, rest: readonly string[]): Promise<void> {
    const attempt: Attempt = {
      member,
      judge: new ChainJudge(rest.length > 0),
      lost: Promise.withResolvers<never>(),
      upload: null,
      given: 0,
      over: false,
    };
    attempt.lost.promise.catch(() => undefined);
    this.#attempt = attempt;
    const looking = setInterval(() => this.#look(attempt), JUDGE_MS);
    try {
      await Promise.race([this.#send(attempt, rest), attempt.lost.promise]);
    } finally {
      clearInterval(looking);
      attempt.over = true;
      attempt.upload?.abort('the member is not fed from here any more');
      this.#attempt = null;
    }
  }

  #look(attempt: Attempt): void {
    const state = { open: attempt.upload !== null, over: this.#ended };
    const verdict = attempt.judge.look(this.sentBytes, this.#total, state);
    if (verdict !== null) this.#lose(verdict);
  }

  #lose(reason: string): void {
    this.#attempt?.upload?.abort(reason);
    this.#attempt?.lost.reject(new Error(reason));
  }

  async #send(attempt: Attempt, next: readonly string[]): Promise<void> {
    const { id, origin, hop, open, logger } = this.#options;
    const client = open(attempt.member);
    if (client === null) throw new Error('its address is not known here');
    logger.debug('an upload is passed on', { member: attempt.member, upload: id, behind: next.length });
    const chain: ChainRequest = { origin, hop, next, ...(this.#ended && { size: this.#total }) };
    const { size } = await client.stage({ id, chain });
    // It cannot have what is not here; then it begins again.
    const start = Number.isSafeInteger(size) && size > 0 && size <= this.#total ? size : 0;
    attempt.given = start;
    attempt.judge.queued();
    if (attempt.over) return;
    const upload = await client.openUpload(id, start, () => attempt.judge.opening(start));
    attempt.upload = upload;
    if (attempt.over) {
      upload.abort('too late');
      return;
    }
    let broken: unknown;
    upload.failed.catch((error: unknown) => {
      broken = error ?? new Error('the transfer broke');
      this.#wake();
    });
    for (;;) {
      const piece = await this.#piece(attempt, () => broken);
      if (piece === null) break;
      attempt.given += piece.length;
      if (!upload.write(piece, () => slabs.giveBack(piece)) && upload.queuedBytes > SOCKET_BYTES)
        await upload.drained();
    }
    await upload.end();
  }

  /** What comes next; null: the end. */
  async #piece(attempt: Attempt, broken: () => unknown): Promise<Buffer | null> {
    for (;;) {
      if (broken() !== undefined) throw broken();
      if (attempt.over || this.#aborted) throw new Error('it was given up');
      if (attempt.given < this.#total) {
        return await this.#read(attempt.given);
      } else if (this.#ended) {
        return null;
      } else {
        const stirred = Promise.withResolvers<void>();
        this.#wake = stirred.resolve;
        await stirred.promise;
      }
    }
  }

  /** To be given back to `slabs`. */
  async #read(position: number): Promise<Buffer> {
    const { memory } = slabs.take();
    try {
      const length = Math.min(memory.length, this.#total - position);
      const { bytesRead } = await this.#options.file.read(memory, 0, length, position);
      if (bytesRead === 0) throw new Error('the staging file is shorter than it was');
      return memory.subarray(0, bytesRead);
    } catch (error) {
      slabs.giveBack(memory);
      throw error;
    }
  }
}
