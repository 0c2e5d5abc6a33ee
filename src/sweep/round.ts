/** One round: this member pulls from every peer what it lacks. Locked at the storage server, so that rounds never overlap. */

import type { Hello, SweepReport } from '../peers/protocol.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { formatEndpoint } from '../system/port-in-use.ts';
import { type PullProgress, pull } from './anti-entropy.ts';

export interface RoundOptions {
  readonly local: ReplicaClient;
  readonly peers: readonly ReplicaClient[];
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Called now and then while it goes on, and at the end. */
  readonly onProgress?: (report: SweepReport) => void;
}

/** Null: another round is running. Rejects when the own storage server cannot be reached, or aborted. */
export async function sweepOnce(options: RoundOptions): Promise<SweepReport | null> {
  const lock = await options.local.lock('sweep');
  if (lock === null) return null;
  try {
    return await new Round(options).run();
  } finally {
    await lock.release();
  }
}

const REPORT_EVERY_MS = 1000;

class Round {
  readonly #options: RoundOptions;
  readonly #startedAt: number;
  readonly #progress: PullProgress = { files: 0, bytes: 0, applied: 0, conflicts: 0 };
  readonly #failures: string[] = [];

  constructor(options: RoundOptions) {
    this.#options = options;
    this.#startedAt = options.now();
  }

  async run(): Promise<SweepReport> {
    await this.#tell('running');
    const ticking = setInterval(() => void this.#tell('running'), REPORT_EVERY_MS);
    try {
      await this.#pullFromAll();
    } finally {
      clearInterval(ticking);
    }
    return await this.#tell('idle');
  }

  async #pullFromAll(): Promise<void> {
    const { local, peers, signal } = this.#options;
    const greetings = await Promise.allSettled(peers.map((peer) => peer.hello(undefined, signal)));
    const reachable = peers.flatMap((peer, index) => {
      const greeting = greetings[index];
      if (greeting?.status === 'fulfilled') return [{ peer, peerHello: greeting.value }];
      this.#failed(peer, greeting?.reason);
      return [];
    });
    for (const { peer, peerHello } of reachable) {
      signal.throwIfAborted();
      // Anew for each: what came from the last one is known now.
      const own = await local.hello();
      if (!this.#isAnother(peer, peerHello, own)) continue;
      const others = reachable.filter((other) => other.peer !== peer).map((other) => other.peer);
      try {
        await pull({ local, own, peer, peerHello, others, signal, progress: this.#progress });
      } catch (error) {
        signal.throwIfAborted();
        this.#failed(peer, error);
      }
    }
  }

  /** Listing oneself in PEERS.txt is harmless; another board with this one's identity is not. */
  #isAnother(peer: ReplicaClient, hello: Hello, own: Hello): boolean {
    if (hello.member !== own.member) return true;
    if (hello.store !== own.store || hello.boot !== own.boot) {
      this.#failed(
        peer,
        new Error(`it has this member's identity (${own.member}): a cloned card? Nothing is pulled.`),
      );
    }
    return false;
  }

  /** Each place and each reason named once. */
  #failed(peer: ReplicaClient, error: unknown): void {
    const place = formatEndpoint(peer.endpoint);
    const why = error instanceof Error ? error.message : String(error);
    const text = why.startsWith(place) ? why : `${place}: ${why}`;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
    this.#failures.push(cause === '' || text.includes(cause) ? text : `${text} (${cause})`);
  }

  async #tell(state: SweepReport['state']): Promise<SweepReport> {
    const { files, bytes, applied, conflicts } = this.#progress;
    const report: SweepReport = {
      state,
      startedAt: this.#startedAt,
      finishedAt: state === 'idle' ? this.#options.now() : null,
      pulledFiles: files,
      pulledBytes: bytes,
      applied,
      conflicts,
      failures: [...this.#failures],
    };
    this.#options.onProgress?.(report);
    // Only for `cloudroid status`: a round does not fail for it.
    await this.#options.local.report({ sweep: report }).catch(() => undefined);
    return report;
  }
}
