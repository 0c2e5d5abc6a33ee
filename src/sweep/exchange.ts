/**
 * Taking a peer's records, in two phases: what only adds is taken at once, as its bytes arrive; deletions, replacements
 * and conflicts wait until everything is here and go in ONE transaction. Broken off anywhere, this member has some more
 * files and claims to know nothing new.
 */
import type { ExchangeEnd, MergeReply } from '../peers/protocol.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import type { PushedRecord } from '../replication/operation.ts';
import type { ReplicaRecord } from '../replication/record.ts';
import { fetchAll } from './content-fetcher.ts';

/** Some contents could not be had from anybody; what they belong to waits for the next round. */
export class ContentMissing extends Error {
  override readonly name = 'ContentMissing';
}

export interface ExchangeContext {
  readonly local: ReplicaClient;
  /** Incarnation of the own store when the exchange began. */
  readonly receiver: string;
  readonly peer: ReplicaClient;
  /** Other peers that may have a content. */
  readonly others: readonly ReplicaClient[];
  readonly signal: AbortSignal;
  readonly progress: PullProgress;
}

/** Counted up while it goes on. */
export interface PullProgress {
  files: number;
  bytes: number;
  applied: number;
  conflicts: number;
}

const CHUNK = 500;
const SPREAD_FROM = 8;

export class Exchange {
  readonly #context: ExchangeContext;
  #deferred: PushedRecord[] = [];
  /** How often a content was fetched: what came was not what its hash says, or went away again. */
  readonly #fetched = new Map<string, number>();
  readonly #missing = new Set<string>();
  #reason: unknown;

  constructor(context: ExchangeContext) {
    this.#context = context;
  }

  /** Takes what adds out of a stream of records, and keeps the rest for `complete`. */
  async takeAll(records: AsyncIterable<ReplicaRecord>): Promise<void> {
    let chunk: PushedRecord[] = [];
    for await (const record of records) {
      this.#context.signal.throwIfAborted();
      chunk.push({ record, base: null });
      if (chunk.length < CHUNK) continue;
      await this.take(chunk);
      chunk = [];
    }
    if (chunk.length > 0) await this.take(chunk);
  }

  /** Additions now, the rest is kept for the end. */
  async take(chunk: readonly PushedRecord[]): Promise<void> {
    let left = chunk;
    while (left.length > 0) {
      const { local, receiver } = this.#context;
      const reply = await local.merge({ mode: 'partial', records: left, receiver });
      this.#count(reply);
      const outcomes = reply.outcomes ?? [];
      this.#deferred.push(...left.filter((_, index) => outcomes[index] === 'deferred'));
      left = left.filter((_, index) => outcomes[index] === 'send-content');
      if (reply.need.length === 0) {
        // Nothing to fetch, yet not taken: the end decides.
        this.#deferred.push(...left);
        return;
      }
      await this.#fetch(reply.need);
      left = left.filter(({ record }) => !this.#missing.has(record.sha256));
    }
  }

  /** `end`: with what the peer knew and the cursor, when all of its records up to there were taken; else null. */
  async complete(end: ExchangeEnd | null): Promise<void> {
    this.requireContents();
    if (end === null && this.#deferred.length === 0) return;
    for (;;) {
      this.#context.signal.throwIfAborted();
      const reply = await this.#context.local.merge({
        mode: 'complete',
        records: this.#deferred,
        receiver: this.#context.receiver,
        ...(end !== null && { exchange: end }),
      });
      if (reply.need.length === 0) {
        if ((reply.counts['send-content'] ?? 0) > 0) throw new ContentMissing('some contents are not here');
        this.#count(reply);
        this.#deferred = [];
        return;
      }
      await this.#fetch(reply.need);
      this.requireContents();
    }
  }

  /** Throws ContentMissing. */
  requireContents(): void {
    const { size } = this.#missing;
    if (size === 0) return;
    const text = `${size} ${size === 1 ? 'content is' : 'contents are'} with no reachable member`;
    throw new ContentMissing(text, { cause: this.#reason });
  }

  async #fetch(need: MergeReply['need']): Promise<void> {
    const { local, peer, others, signal, progress } = this.#context;
    const wanted = need.filter(({ sha256 }) => !this.#gaveUp(sha256));
    // Many files come from all who have them; a few from the peer that surely has.
    const spread = wanted.length >= SPREAD_FROM;
    const { missing, reason } = await fetchAll(wanted, {
      local,
      sources: [peer, ...others],
      // What came from the first was wrong: the next one is asked first.
      firstSource: ({ sha256 }) =>
        (this.#fetched.get(sha256) ?? 1) - 1 + (spread ? Number.parseInt(sha256.slice(0, 4), 16) : 0),
      signal,
      onBytes: (bytes) => {
        progress.bytes += bytes;
      },
    });
    progress.files += wanted.length - missing.length;
    for (const { sha256 } of missing) this.#missing.add(sha256);
    this.#reason = reason ?? this.#reason;
  }

  /** Counts an attempt; true when there were enough of them. */
  #gaveUp(sha256: string): boolean {
    const attempts = (this.#fetched.get(sha256) ?? 0) + 1;
    this.#fetched.set(sha256, attempts);
    if (attempts <= this.#context.others.length + 2) return false;
    this.#missing.add(sha256);
    this.#reason = new Error(`what the members send for ${sha256} has another hash`);
    return true;
  }

  #count({ counts }: MergeReply): void {
    const { progress } = this.#context;
    progress.applied += (counts.applied ?? 0) + (counts.conflict ?? 0);
    progress.conflicts += counts.conflict ?? 0;
  }
}
