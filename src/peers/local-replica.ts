/**
 * This member's own storage server, which may be down for a moment (its supervisor restarts it), for long, or hang on a
 * dying disk. While it is known to be down it is asked in the background, so that nobody waits for it to find out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../replication/operation.ts';
import type { Hello } from './protocol.ts';
import { type ReplicaClient, ReplicaUnreachable, ReplicaUntrusted } from './replica-client-api.ts';

/** A peer can do it instead. */
const RETRY_FOR_MS = 1_200;
/** Nobody else can: a storage server that starts anew takes some seconds on a board, and a camera does not ask again. */
const ALONE_RETRY_FOR_MS = 10_000;
const RETRY_EVERY_MS = 150;
/** A storage server that answers at all answers HELLO within this. */
const SILENCE_MS = 4_000;
/** A read that takes longer makes us ask whether it answers at all. */
const DOUBT_MS = 1_000;

export class LocalReplica {
  readonly client: ReplicaClient;
  readonly member: string;
  /** What it said last; kept while it is down. */
  lastHello: Hello | null = null;
  /** Milliseconds, monotonic; null: it is up, as far as we know. */
  #downSince: number | null = null;
  /** Why it is down. */
  reason = '';
  /** Reads under way, to be told when it goes down. */
  readonly #reading = new Set<(error: Error) => void>();
  #asking: Promise<Hello | null> | null = null;
  #probing = false;
  readonly #stop = new AbortController();

  constructor(client: ReplicaClient, member: string) {
    this.client = client;
    this.member = member;
  }

  get isUp(): boolean {
    return this.#downSince === null;
  }

  /** Null: it does not answer. Monitors that ask in the same moment share one question. */
  hello(): Promise<Hello | null> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(): Promise<Hello | null> {
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(SILENCE_MS), this.#stop.signal]);
      this.lastHello = await this.client.hello(undefined, signal);
      this.#isBack();
      return this.lastHello;
    } catch (error) {
      this.#isDown(error);
      return null;
    }
  }

  #isBack(): void {
    this.#downSince = null;
  }

  #isDown(error: unknown): void {
    if (this.#downSince !== null) return;
    this.#downSince = performance.now();
    this.reason = error instanceof Error ? error.message : String(error);
    const gone = new ReplicaUnreachable('the own storage server does not answer', { cause: error });
    for (const giveUp of this.#reading) giveUp(gone);
    void this.#probe();
  }

  async #probe(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    const { signal } = this.#stop;
    while (this.#downSince !== null && !signal.aborted) {
      await sleep(RETRY_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.hello();
    }
    this.#probing = false;
  }

  /**
   * For reading: null as soon as it is known to be down, so that a peer can answer. Refusals pass.
   */
  async attempt<T>(call: (client: ReplicaClient) => Promise<T>): Promise<{ readonly value: T } | null> {
    if (this.#downSince !== null) return null;
    const gone = Promise.withResolvers<never>();
    this.#reading.add(gone.reject);
    const doubt = setTimeout(() => void this.hello(), DOUBT_MS);
    try {
      return await this.#try((client) => Promise.race([call(client), gone.promise]));
    } finally {
      clearTimeout(doubt);
      this.#reading.delete(gone.reject);
    }
  }

  /**
   * For calls that may be repeated: null when it cannot be reached, also not after a moment for a restart. Known to be
   * down for longer than that, it is only asked whether it is back: it may be, since it was asked last. `alone`: no peer
   * could do it, so that the moment is a longer one.
   */
  async attemptFor<T>(
    call: (client: ReplicaClient) => Promise<T>,
    alone = false,
  ): Promise<{ readonly value: T } | null> {
    const retryForMs = alone ? ALONE_RETRY_FOR_MS : RETRY_FOR_MS;
    let failedAt = Number.POSITIVE_INFINITY;
    if (performance.now() - (this.#downSince ?? performance.now()) > retryForMs) {
      await Promise.race([this.hello(), sleep(RETRY_EVERY_MS)]);
    }
    for (;;) {
      const now = performance.now();
      const trouble = now - Math.min(failedAt, this.#downSince ?? now);
      if (trouble > retryForMs || this.#stop.signal.aborted) return null;
      try {
        const result = await this.#try(call);
        if (result !== null) return result;
      } catch (error) {
        // It may be stopping, to be back in a moment.
        const busy = error instanceof Refusal && error.kind === 'busy';
        if (!busy || performance.now() - failedAt > retryForMs) throw error;
      }
      failedAt = Math.min(failedAt, performance.now());
      await sleep(RETRY_EVERY_MS);
    }
  }

  async #try<T>(call: (client: ReplicaClient) => Promise<T>): Promise<{ readonly value: T } | null> {
    try {
      const value = await call(this.client);
      this.#isBack();
      return { value };
    } catch (error) {
      if (!(error instanceof ReplicaUnreachable || error instanceof ReplicaUntrusted)) throw error;
      this.#isDown(error);
      return null;
    }
  }

  /** The client stays open. */
  close(): void {
    this.#stop.abort();
  }
}
