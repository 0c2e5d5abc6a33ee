/** One upload that came through a chain to this member: who sends it, how far it is, and who gets it from here. */
import type { FileHandle } from 'node:fs/promises';
import { ChainSender, type ChainSenderOptions } from '../../peers/chain-sender.ts';
import { type ArrivedReply, BYPASSED } from '../../peers/protocol-chain.ts';
import { Refusal } from '../../replication/operation.ts';
import type { StagingWriter } from '../store-api.ts';

export interface ChainLinkOptions extends Omit<ChainSenderOptions, 'file' | 'start'> {
  /** The member that sends it here. */
  readonly feeder: string;
  /** That member's place in the chain. */
  readonly hop: number;
  readonly file: () => Promise<FileHandle>;
}

export class ChainLink {
  readonly #options: ChainLinkOptions;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();
  #sender: ChainSender | null = null;
  #size = 0;
  readonly #lost: string[] = [];
  #whole: { readonly size: number; readonly sha256: string } | null = null;
  /** From before the opening of the file to its closing. */
  #receiving: PromiseWithResolvers<void> | null = null;

  constructor(options: ChainLinkOptions) {
    this.#options = options;
  }

  get feeder(): string {
    return this.#options.feeder;
  }

  get hop(): number {
    return this.#options.hop;
  }

  get origin(): string {
    return this.#options.origin;
  }

  get isOver(): boolean {
    return this.#stop.signal.aborted || this.#whole !== null;
  }

  hasAll(size: number | undefined): boolean {
    return this.#whole !== null && this.#whole.size === size;
  }

  get isBusy(): boolean {
    return this.#receiving !== null || this.#sender !== null;
  }

  /** Aborted when somebody else sends it from now on, or nobody does. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  get state(): ArrivedReply {
    const [receiving, lost] = [this.#receiving !== null, this.#lost];
    return { size: this.#size, ...this.#whole, receiving, lost };
  }

  /**
   * Somebody writes to it from now on, also while what is there already is hashed; `relay` or `refused` follows. @throws Refusal
   * busy
   */
  accept(): void {
    if (this.#receiving !== null) throw new Refusal('busy', 'this upload is already being written');
    this.#receiving = Promise.withResolvers<void>();
  }

  /** After `accept`: it could not be opened. */
  refused(): void {
    this.#ended();
  }

  /** What is written goes on to the next member too. `start`: bytes that are there. Closes `writer` when it throws. */
  async relay(writer: StagingWriter, start: number): Promise<StagingWriter> {
    const { next, file, hop, feeder: _feeder, ...options } = this.#options;
    this.#size = start;
    try {
      this.#stop.signal.throwIfAborted();
      if (next.length > 0) {
        const sender = new ChainSender({
          ...{ ...options, hop: hop + 1, next, file: await file(), start },
          lost: (member) => this.#lost.push(member),
        });
        this.#sender = sender;
        void sender.done.then(() => {
          if (this.#sender === sender) this.#sender = null;
        });
        if (this.#stop.signal.aborted) sender.abort('it was stopped');
      }
    } catch (error) {
      this.#ended();
      await writer.abort();
      throw error;
    }
    return {
      write: async (chunk) => {
        await writer.write(chunk);
        this.#size += chunk.length;
        this.#sender?.grown(chunk.length);
      },
      end: async () => {
        try {
          const whole = await writer.end();
          this.#whole = whole;
          this.#sender?.end();
          return whole;
        } catch (error) {
          this.#sender?.abort('it could not be stored here');
          throw error;
        } finally {
          this.#ended();
        }
      },
      abort: async () => {
        if (this.#whole === null) this.#sender?.abort('it broke off here');
        try {
          await writer.abort();
        } finally {
          this.#ended();
        }
      },
    };
  }

  #ended(): void {
    this.#receiving?.resolve();
    this.#receiving = null;
    this.#stir();
  }

  #stir(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async arrived(waitMs: number): Promise<ArrivedReply> {
    if (this.#whole === null && waitMs > 0) {
      const stirred = Promise.withResolvers<void>();
      const timer = setTimeout(stirred.resolve, waitMs);
      this.#waiting.add(stirred.resolve);
      await stirred.promise;
      this.#waiting.delete(stirred.resolve);
      clearTimeout(timer);
    }
    return this.state;
  }

  /** Resolves when this one writes no more. What it has stays for the other. */
  async takeOver(by: ChainLink): Promise<void> {
    const why = new Refusal(BYPASSED, `${by.feeder} sends this upload by now`);
    this.#sender?.abort(why.message);
    this.#stop.abort(why);
    this.#stir();
    await this.#receiving?.promise;
    by.#size = this.#size;
  }

  /** The file has lost its name. Who is fed from what was all here already goes on: it may still be waited for. */
  dropped(): void {
    if (this.#whole === null) this.stop('it was given up');
  }

  stop(reason: string): void {
    this.#sender?.abort(reason);
    this.#stop.abort(new Refusal('busy', reason));
    this.#stir();
  }
}
