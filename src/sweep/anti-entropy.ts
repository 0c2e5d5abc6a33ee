/**
 * Pulling from one peer. The peer's feed of changed records is read from the cursor on; what only adds is taken at once,
 * as its bytes arrive; deletions, replacements and conflicts wait until everything is here and go in ONE transaction
 * together with the peer's knowledge and the cursor. Broken off anywhere, this member has some more files and claims to
 * know nothing new; the next round reads the same feed again.
 */
import type { ChangesHeader, Hello, MergeReply } from '../peers/protocol.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import type { PushedRecord } from '../replication/operation.ts';
import { includes } from '../replication/version.ts';
import { fetchAll } from './content-fetcher.ts';
import { type Feed, GarbledFeed, readFeed } from './feed.ts';

/** Some contents could not be had from anybody; what they belong to waits for the next round. */
export class ContentMissing extends Error {
  override readonly name = 'ContentMissing';
}

export interface PullContext {
  readonly local: ReplicaClient;
  /** This member, as it was at the start of the round. */
  readonly own: Hello;
  readonly peer: ReplicaClient;
  readonly peerHello: Hello;
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

/** Throws GarbledFeed, ContentMissing, ReplicaUnreachable, Refusal of the own storage server. */
export async function pull(context: PullContext): Promise<void> {
  const { local, peer, peerHello, own, signal } = context;
  const { store, incarnation } = peerHello;
  const { after } = await local.cursor({ store, incarnation });
  const feed = await readFeed(peer, after, local, signal);
  try {
    const { header } = feed;
    if (header.store !== store || header.incarnation !== incarnation) {
      throw new GarbledFeed('the peer was restarted in between');
    }
    const nothingNew = header.count === 0 && after === header.upTo;
    if (nothingNew && includes(own.knowledge, header.knowledge)) return;
    await takeAll(new Exchange(context, header), feed, signal);
  } finally {
    await feed.close();
  }
}

async function takeAll(exchange: Exchange, feed: Feed, signal: AbortSignal): Promise<void> {
  let chunk: PushedRecord[] = [];
  for await (const record of feed.records()) {
    signal.throwIfAborted();
    chunk.push({ record, base: null });
    if (chunk.length < CHUNK) continue;
    await exchange.take(chunk);
    chunk = [];
  }
  await exchange.take(chunk);
  await exchange.complete();
}

class Exchange {
  readonly #context: PullContext;
  readonly #header: ChangesHeader;
  readonly #deferred: PushedRecord[] = [];
  /** How often a content was fetched: what came was not what its hash says, or went away again. */
  readonly #fetched = new Map<string, number>();
  readonly #missing = new Set<string>();
  #reason: unknown;

  constructor(context: PullContext, header: ChangesHeader) {
    this.#context = context;
    this.#header = header;
  }

  /** Additions now, the rest is kept for the end. */
  async take(chunk: readonly PushedRecord[]): Promise<void> {
    let left = chunk;
    while (left.length > 0) {
      const reply = await this.#context.local.merge({ mode: 'partial', records: left });
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

  async complete(): Promise<void> {
    this.#requireContents();
    const { store, incarnation, knowledge, upTo } = this.#header;
    for (;;) {
      this.#context.signal.throwIfAborted();
      const reply = await this.#context.local.merge({
        mode: 'complete',
        records: this.#deferred,
        exchange: { store, incarnation, knowledge, upTo, receiver: this.#context.own.incarnation },
      });
      if (reply.need.length === 0) {
        if ((reply.counts['send-content'] ?? 0) > 0) throw new ContentMissing('some contents are not here');
        this.#count(reply);
        return;
      }
      await this.#fetch(reply.need);
      this.#requireContents();
    }
  }

  #requireContents(): void {
    const { size } = this.#missing;
    if (size === 0) return;
    const text = `${size} ${size === 1 ? 'content is' : 'contents are'} with no reachable member`;
    throw new ContentMissing(text, { cause: this.#reason });
  }

  async #fetch(need: MergeReply['need']): Promise<void> {
    const { local, peer, others, signal, progress } = this.#context;
    const wanted = need.filter(({ sha256 }) => !this.#gaveUp(sha256));
    const { missing, reason } = await fetchAll(wanted, {
      local,
      sources: [peer, ...others],
      // What came from the first was wrong: the next one is asked first.
      firstSource: ({ sha256 }) => (this.#fetched.get(sha256) ?? 1) - 1,
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
