/**
 * The chain of one upload as its gateway sees it: the bytes go to the first member only (chain-sender.ts), and each member
 * says for itself what has arrived there.
 *
 * The client is kept from running far ahead of members that keep moving, so that they hold the file when the 226 is said;
 * one that does not move is not waited for. The window may be wide: what is in it lies on this member's disk.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../system/logger-api.ts';
import { ChainSender } from './chain-sender.ts';
import type { Peer } from './peer.ts';
import type { ArrivedReply } from './protocol-chain.ts';

const WINDOW_BYTES = 64 * 1024 * 1024;
const LOOK_MS = 200;
/** One that has not moved for so long is not waited for; passing a dead member by takes less. */
const PATIENCE_MS = 3_500;
/** At the end; longer than the client waits. */
const LAST_PATIENCE_MS = 8_000;
/** Nobody waits so long for it: the client is told after a few seconds who has the file. */
const LONGEST_ARRIVAL_MS = 120_000;
const WAIT_MS = 250;
const ROOM_MS = 20;

interface Member {
  readonly peer: Peer;
  bytes: number;
  /** Milliseconds, monotonic; null: nobody has looked yet. */
  movedAt: number | null;
  paced: boolean;
  looking: boolean;
  /** Resolves when nobody feeds it any more. */
  readonly lost: PromiseWithResolvers<false>;
  isLost: boolean;
}

export interface UploadChainOptions {
  readonly id: string;
  /** Of this member. */
  readonly origin: string;
  /** Of the own staging file. */
  readonly path: string;
  readonly peers: readonly Peer[];
  readonly logger: Logger;
}

export class UploadChain {
  readonly #options: UploadChainOptions;
  readonly #members: readonly Member[];
  readonly #sender: ChainSender;
  #total = 0;
  #aborted = false;

  private constructor(options: UploadChainOptions, file: FileHandle) {
    const { id, origin, peers, logger } = options;
    this.#options = options;
    this.#members = peers.map((peer) => ({
      ...{ peer, bytes: 0, movedAt: null, paced: true, looking: false },
      ...{ lost: Promise.withResolvers<false>(), isLost: false },
    }));
    const named = new Map(peers.map((peer) => [peer.hello?.member ?? '', peer]));
    this.#sender = new ChainSender({
      ...{ id, origin, hop: 0, next: [...named.keys()], file, start: 0, logger },
      open: (member) => named.get(member)?.client ?? null,
      lost: (member) => this.#lost(member),
    });
  }

  /** The staging file is empty. */
  static async open(options: UploadChainOptions): Promise<UploadChain> {
    return new UploadChain(options, await open(options.path, 'r'));
  }

  #lost(id: string): void {
    for (const member of this.#members) {
      if (member.peer.hello?.member !== id || member.isLost) continue;
      member.isLost = true;
      member.paced = false;
      member.peer.tooSlow();
      member.lost.resolve(false);
    }
  }

  get peers(): readonly Peer[] {
    return this.#options.peers;
  }

  has(peer: Peer): boolean {
    return this.peers.includes(peer);
  }

  /** Changes as long as bytes move anywhere. */
  get progress(): number {
    return this.#members.reduce((sum, { bytes }) => sum + bytes, this.#sender.sentBytes);
  }

  /** The own staging file has so many bytes more. */
  stored(bytes: number): void {
    this.#sender.grown(bytes);
  }

  /** So many bytes more are on their way into the own staging file. Resolves when the client may send more. */
  async accepted(bytes: number): Promise<void> {
    this.#total += bytes;
    while (!this.#aborted) {
      const behind = this.#members.filter(
        ({ paced, bytes }) => paced && this.#total - bytes > WINDOW_BYTES / 2,
      );
      for (const member of behind) void this.#look(member);
      if (!behind.some(({ bytes }) => this.#total - bytes > WINDOW_BYTES)) return;
      await sleep(ROOM_MS);
    }
  }

  async #look(member: Member): Promise<void> {
    if (member.looking) return;
    member.looking = true;
    member.movedAt ??= performance.now();
    try {
      this.#note(member, await this.#ask(member, 0));
    } catch (error) {
      this.#options.logger.debug('a member of a chain does not say how far it is', {
        peer: member.peer.name,
        error,
      });
    }
    if (performance.now() - member.movedAt > PATIENCE_MS && member.paced) {
      member.paced = false;
      member.peer.tooSlow();
      this.#options.logger.info('a peer in a chain is not waited for', { peer: member.peer.name });
    }
    await sleep(LOOK_MS);
    member.looking = false;
  }

  /** A peer that hangs answers nothing at all. */
  async #ask({ peer }: Member, waitMs: number): Promise<ArrivedReply> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error('no answer')), waitMs + PATIENCE_MS);
    try {
      return await Promise.race([peer.client.arrived({ id: this.#options.id, waitMs }), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #note(member: Member, { size, lost = [] }: ArrivedReply): void {
    // One that was passed by itself may only think so.
    if (!member.isLost) for (const id of lost) this.#lost(id);
    // Back and forth, or beyond what there is, is no movement.
    if (!Number.isSafeInteger(size) || size <= member.bytes || size > this.#total) return;
    member.bytes = size;
    member.movedAt = performance.now();
  }

  /** No more bytes come. */
  end(): void {
    this.#sender.end();
  }

  /** True: the peer says that it has all bytes, and that their hash is this one. */
  async arrives(peer: Peer, sha256: string): Promise<boolean> {
    const member = this.#members.find((each) => each.peer === peer);
    if (member === undefined) return false;
    return await Promise.race([this.#arrival(member, sha256), member.lost.promise]);
  }

  async #arrival(member: Member, sha256: string): Promise<boolean> {
    const { logger } = this.#options;
    const until = performance.now() + LONGEST_ARRIVAL_MS;
    member.movedAt = performance.now();
    let patienceMs = LAST_PATIENCE_MS;
    while (!this.#aborted && !member.isLost) {
      const now = performance.now();
      if (now > until || now - member.movedAt > patienceMs) return false;
      try {
        const reply = await this.#ask(member, WAIT_MS);
        this.#note(member, reply);
        if (reply.sha256 !== undefined && reply.size === this.#total) return reply.sha256 === sha256;
        // It may be hashing the gigabytes that it has, before it goes on behind them.
        patienceMs = reply.receiving ? LONGEST_ARRIVAL_MS : LAST_PATIENCE_MS;
      } catch (error) {
        // It may be busy; its monitor will tell whether it is there.
        logger.debug('a member of a chain does not say what it has', { peer: member.peer.name, error });
      }
      // Whoever has less than all of it answers at once.
      await sleep(Math.max(0, WAIT_MS - (performance.now() - now)));
    }
    return false;
  }

  abort(reason: string): void {
    this.#aborted = true;
    this.#sender.abort(reason);
  }
}
