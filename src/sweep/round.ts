/**
 * One round: this member pulls from every peer what it lacks, compares trees, looks after its own disk, and fetches what is
 * missing or damaged. Locked at the storage server, so that rounds never overlap. Broken off anywhere, the next one goes
 * on where it was.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Hello } from '../peers/protocol.ts';
import type { SweepReport } from '../peers/protocol-reports.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { formatEndpoint } from '../system/port-in-use.ts';
import { pull } from './anti-entropy.ts';
import { DiskRound } from './disk-round.ts';
import { endForgotten } from './forgotten.ts';
import { emptyProgress, enter, type RoundProgress, reportOf } from './progress.ts';
import { RoundMembers } from './round-members.ts';
import type { RoundOptions } from './round-options.ts';
import { exchangeTrees } from './tree-exchange.ts';
import type { VolumeCare } from './volume-care.ts';

export type { RoundOptions } from './round-options.ts';

/** Null: another round is running. Rejects when the own storage server cannot be reached, or aborted. */
export async function sweepOnce(options: RoundOptions): Promise<SweepReport | null> {
  const { local, volume, dryRun = false, signal } = options;
  const round = new Round(options);
  const report = await locked(local, () => round.run());
  if (report === null || options.scrub !== true || volume === undefined || dryRun) return report;
  // Reading everything may take hours, in which the other rounds go on.
  await round.scrub(volume);
  for (;;) {
    const repaired = await locked(local, () => round.repairAll());
    if (repaired !== null) return repaired;
    await sleep(LOCK_RETRY_MS, undefined, { signal });
  }
}

const LOCK_RETRY_MS = 500;

/** Null: somebody else holds the lock. */
async function locked<T>(local: ReplicaClient, action: () => Promise<T>): Promise<T | null> {
  const lock = await local.lock('sweep');
  if (lock === null) return null;
  try {
    return await action();
  } finally {
    await lock.release();
  }
}

const REPORT_EVERY_MS = 1000;

interface Reachable {
  readonly peer: ReplicaClient;
  readonly hello: Hello;
}

class Round {
  readonly #options: RoundOptions;
  readonly #startedAt: number;
  readonly #progress: RoundProgress = emptyProgress();
  readonly #members: RoundMembers;
  readonly #disk: DiskRound;

  constructor(options: RoundOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    const { local, signal, dryRun = false } = options;
    const failed = (error: unknown) => this.#failed(local, error);
    this.#members = new RoundMembers({ local, signal, dryRun, failed });
    this.#disk = new DiskRound(options, this.#progress);
  }

  async run(): Promise<SweepReport> {
    return await this.#reporting(async () => {
      const reachable = await this.#greet();
      this.#disk.peers = reachable.map(({ peer }) => peer);
      await this.#pullFromAll(reachable);
      await this.#disk.care(this.#members.anyPulled);
      await this.#members.settle();
    });
  }

  /** Reads every file. */
  async scrub({ filesDir }: VolumeCare): Promise<void> {
    await this.#reporting(() => this.#disk.scrub(filesDir));
  }

  /** Fetches what the scrub has found to be damaged. */
  async repairAll(): Promise<SweepReport> {
    return await this.#reporting(() => this.#disk.repair());
  }

  async #reporting(action: () => Promise<void>): Promise<SweepReport> {
    await this.#tell('running');
    const ticking = setInterval(() => void this.#tell('running'), REPORT_EVERY_MS);
    try {
      await action();
      enter(this.#progress, '', 0);
    } finally {
      clearInterval(ticking);
    }
    return await this.#tell('idle');
  }

  async #greet(): Promise<Reachable[]> {
    const { peers, signal } = this.#options;
    const greetings = await Promise.allSettled(peers.map((peer) => peer.hello(undefined, signal)));
    const reachable = peers.flatMap((peer, index) => {
      const greeting = greetings[index];
      if (greeting?.status === 'fulfilled') return [{ peer, hello: greeting.value }];
      this.#failed(peer, greeting?.reason);
      return [];
    });
    const isPeer = await this.#members.greeted(greetings);
    return reachable.filter(({ hello }) => isPeer(hello));
  }

  async #pullFromAll(reachable: readonly Reachable[]): Promise<void> {
    const { local, signal } = this.#options;
    for (const [index, { peer, hello }] of reachable.entries()) {
      signal.throwIfAborted();
      enter(this.#progress, 'catching up', reachable.length);
      this.#progress.done = index;
      // Anew for each: what came from the last one is known now.
      const own = await local.hello();
      if (!this.#isAnother(peer, hello, own)) {
        if (hello.boot !== own.boot) this.#members.missed();
        continue;
      }
      const others = reachable.filter((other) => other.peer !== peer).map((other) => other.peer);
      try {
        await this.#pullFrom(peer, hello, own, others);
        await this.#members.pulledFrom({ peer, hello }, own);
      } catch (error) {
        signal.throwIfAborted();
        this.#members.missed();
        this.#failed(peer, error);
      }
    }
  }

  async #pullFrom(
    peer: ReplicaClient,
    peerHello: Hello,
    own: Hello,
    others: readonly ReplicaClient[],
  ): Promise<void> {
    const { local, signal, dryRun = false, acceptDeletions = false } = this.#options;
    const progress = this.#progress;
    const exchange = { local, receiver: own.incarnation, peer, others, signal, progress };
    const { differences, forgotten, still } = dryRun
      ? await exchangeTrees({ ...exchange, dryRun })
      : await pull({ ...exchange, own, peerHello });
    if (dryRun) progress.differences += still ? differences : 0;
    if (dryRun || forgotten.length === 0) return;
    const place = formatEndpoint(peer.endpoint);
    const { ended, notice } = await endForgotten(local, forgotten, { acceptDeletions, place });
    progress.applied += ended;
    if (notice === null) return;
    progress.notices.push(notice);
    progress.differences += forgotten.length;
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
    this.#progress.failures.push(cause === '' || text.includes(cause) ? text : `${text} (${cause})`);
  }

  async #tell(state: SweepReport['state']): Promise<SweepReport> {
    const finishedAt = state === 'idle' ? this.#options.now() : null;
    const report = reportOf(this.#progress, { state, startedAt: this.#startedAt, finishedAt });
    this.#options.onProgress?.(report);
    // Only for `cloudroid status`: a round does not fail for it.
    await this.#options.local.report({ sweep: report }).catch(() => undefined);
    return report;
  }
}
