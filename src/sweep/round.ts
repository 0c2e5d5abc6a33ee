/**
 * One round: this member pulls from every peer what it lacks, compares trees, looks after its own disk, and fetches what is
 * missing or damaged. Locked at the storage server, so that rounds never overlap. Broken off anywhere, the next one goes
 * on where it was.
 */
import type { Hello } from '../peers/protocol.ts';
import type { SweepReport } from '../peers/protocol-reports.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { formatEndpoint } from '../system/port-in-use.ts';
import { pull } from './anti-entropy.ts';
import { endForgotten } from './forgotten.ts';
import { emptyProgress, type RoundProgress, reportOf } from './progress.ts';
import { examineSuspects, repairMissing } from './repair.ts';
import { RoundMembers } from './round-members.ts';
import { scrub } from './scrub.ts';
import { exchangeTrees } from './tree-exchange.ts';
import { type VolumeCare, walkWhenDue } from './volume-care.ts';

export interface RoundOptions {
  readonly local: ReplicaClient;
  readonly peers: readonly ReplicaClient[];
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** The volume of this member; without it only peers are looked at. */
  readonly volume?: VolumeCare | undefined;
  /** Look, and change nothing. */
  readonly dryRun?: boolean;
  /** Walk the volume now, not only when it is due. */
  readonly walk?: boolean;
  /** Read and hash every file now, as fast as it goes. */
  readonly scrub?: boolean;
  /** Delete what was forgotten elsewhere, however much it is: the operator says so. */
  readonly acceptDeletions?: boolean;
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

interface Reachable {
  readonly peer: ReplicaClient;
  readonly hello: Hello;
}

class Round {
  readonly #options: RoundOptions;
  readonly #startedAt: number;
  readonly #progress: RoundProgress = emptyProgress();
  readonly #members: RoundMembers;

  constructor(options: RoundOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    const { local, signal, dryRun = false } = options;
    const failed = (error: unknown) => this.#failed(local, error);
    this.#members = new RoundMembers({ local, signal, dryRun, failed });
  }

  async run(): Promise<SweepReport> {
    await this.#tell('running');
    const ticking = setInterval(() => void this.#tell('running'), REPORT_EVERY_MS);
    try {
      const reachable = await this.#greet();
      await this.#pullFromAll(reachable);
      await this.#careForVolume(reachable);
      await this.#members.settle();
      this.#enter('', 0);
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
      this.#enter('catching up', reachable.length);
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

  async #careForVolume(reachable: readonly Reachable[]): Promise<void> {
    const { local, signal, volume, dryRun = false, now } = this.#options;
    const progress = this.#progress;
    const peers = reachable.map(({ peer }) => peer);
    const repairing = {
      local,
      peers,
      signal,
      onBytes: (bytes: number) => {
        progress.bytes += bytes;
      },
      onRepaired: (files: number) => {
        progress.repaired += files;
      },
    };
    if ((await local.hello()).readOnly !== null) return;
    if (!dryRun) await examineSuspects(repairing);
    if (volume !== undefined) {
      this.#enter('walking', 0);
      const { walk = false } = this.#options;
      const adopted = await walkWhenDue({
        local,
        volume,
        signal,
        now,
        dryRun,
        caughtUp: peers.length === 0 || this.#members.anyPulled,
        alone: peers.length === 0,
        progress,
        always: walk,
      });
      // They need not wait for their next round to get it.
      if (adopted > 0)
        await Promise.allSettled(peers.map((peer) => peer.sweep({ why: 'edited from outside' })));
      if (this.#options.scrub === true && !dryRun) await this.#scrub(volume);
    }
    if (dryRun) return;
    this.#enter('repairing', 0);
    progress.missing = await repairMissing(repairing);
    progress.differences += progress.missing;
    if (progress.missing > 0) {
      progress.notices.push(
        `${progress.missing} damaged or missing files are with no reachable member: they come back with the member that has them`,
      );
    }
  }

  async #scrub({ filesDir }: VolumeCare): Promise<void> {
    const { local, signal, now } = this.#options;
    const { bytes } = await local.status();
    this.#enter('scrubbing', bytes);
    await local.upkeep.state({ scrubStartedAt: null });
    await scrub({
      local,
      filesDir,
      signal,
      now,
      onBytes: (read) => {
        this.#progress.scrubbedBytes += read;
        this.#progress.done += read;
      },
      onDamage: () => undefined,
    });
  }

  #enter(phase: string, total: number): void {
    Object.assign(this.#progress, { phase, total, done: 0 });
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
