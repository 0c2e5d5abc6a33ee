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

/** The peer's feed is not what its header announced: nothing of it is relied on. */
export class GarbledFeed extends Error {
  override readonly name = 'GarbledFeed';
}

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
  const { header, records } = await peer.changes(after);
  if (header.store !== store || header.incarnation !== incarnation) {
    throw new GarbledFeed('the peer was restarted in between');
  }
  const exchange = new Exchange(context, header);
  let count = 0;
  let chunk: PushedRecord[] = [];
  for await (const record of records) {
    signal.throwIfAborted();
    count += 1;
    chunk.push({ record, base: null });
    if (chunk.length < CHUNK) continue;
    await exchange.take(chunk);
    chunk = [];
  }
  if (count !== header.count)
    throw new GarbledFeed(`the feed has ${count} records, announced were ${header.count}`);
  if (count === 0 && after === header.upTo && includes(own.knowledge, header.knowledge)) return;
  await exchange.take(chunk);
  await exchange.complete();
}

class Exchange {
  readonly #context: PullContext;
  readonly #header: ChangesHeader;
  readonly #deferred: PushedRecord[] = [];
  #missing = 0;
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
      const gone = await this.#fetch(reply.need);
      left = left.filter(({ record }) => !gone.has(record.sha256));
    }
  }

  async complete(): Promise<void> {
    if (this.#missing > 0) {
      const text = `${this.#missing} ${this.#missing === 1 ? 'content is' : 'contents are'} with no reachable member`;
      throw new ContentMissing(text, { cause: this.#reason });
    }
    const { store, incarnation, knowledge, upTo } = this.#header;
    for (;;) {
      this.#context.signal.throwIfAborted();
      const reply = await this.#context.local.merge({
        mode: 'complete',
        records: this.#deferred,
        exchange: { store, incarnation, knowledge, upTo },
      });
      if (reply.need.length === 0) {
        this.#count(reply);
        return;
      }
      const gone = await this.#fetch(reply.need);
      if (gone.size > 0) {
        throw new ContentMissing(`${gone.size} contents are with no reachable member`, {
          cause: this.#reason,
        });
      }
    }
  }

  /** Hashes that nobody had. */
  async #fetch(need: MergeReply['need']): Promise<ReadonlySet<string>> {
    if (need.length === 0) return new Set();
    const { local, peer, others, signal, progress } = this.#context;
    const { missing, reason } = await fetchAll(need, {
      local,
      sources: [peer, ...others],
      signal,
      onBytes: (bytes) => {
        progress.bytes += bytes;
      },
    });
    progress.files += need.length - missing.length;
    this.#missing += missing.length;
    this.#reason = reason ?? this.#reason;
    return new Set(missing.map(({ sha256 }) => sha256));
  }

  #count({ counts }: MergeReply): void {
    const { progress } = this.#context;
    progress.applied += (counts.applied ?? 0) + (counts.conflict ?? 0);
    progress.conflicts += counts.conflict ?? 0;
  }
}
