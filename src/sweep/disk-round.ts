/** The part of a round that looks after this member's own disk. */
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { checkAccountFiles } from './account-files.ts';
import { enter, type RoundProgress } from './progress.ts';
import { examineSuspects, repairMissing } from './repair.ts';
import type { RoundOptions } from './round-options.ts';
import { scrub } from './scrub.ts';
import { walkWhenDue } from './volume-care.ts';

export class DiskRound {
  readonly #options: RoundOptions;
  readonly #progress: RoundProgress;
  /** Those that answer. */
  peers: readonly ReplicaClient[] = [];

  constructor(options: RoundOptions, progress: RoundProgress) {
    this.#options = options;
    this.#progress = progress;
  }

  /** `pulled`: from some peer everything was taken. */
  async care(pulled: boolean): Promise<void> {
    const { local, signal, volume, dryRun = false, now, walk = false } = this.#options;
    const progress = this.#progress;
    const { peers } = this;
    if ((await local.hello()).readOnly !== null) return;
    if (!dryRun) await examineSuspects({ local, signal });
    if (volume !== undefined && !dryRun) {
      progress.notices.push(...(await checkAccountFiles(local, volume.filesDir)).notices);
    }
    if (volume !== undefined) {
      enter(this.#progress, 'walking', 0);
      const alone = peers.length === 0;
      const caughtUp = alone || pulled;
      const noPeers = this.#options.peers.length === 0;
      const when = { caughtUp, alone, noPeers, always: walk };
      const request = { local, volume, signal, now, dryRun, progress, ...when };
      const adopted = await walkWhenDue(request);
      // They need not wait for their next round to get it.
      if (adopted > 0)
        await Promise.allSettled(peers.map((peer) => peer.sweep({ why: 'edited from outside' })));
    }
    if (!dryRun) await this.repair();
  }

  /** Fetches what is missing or damaged. */
  async repair(): Promise<void> {
    const { local, signal } = this.#options;
    const progress = this.#progress;
    enter(this.#progress, 'repairing', 0);
    progress.differences -= progress.missing;
    progress.missing = await repairMissing({
      local,
      signal,
      peers: this.peers,
      onBytes: (bytes) => {
        progress.bytes += bytes;
      },
      onRepaired: (files) => {
        progress.repaired += files;
      },
    });
    progress.differences += progress.missing;
    if (progress.missing > 0) {
      progress.notices.push(
        `${progress.missing} damaged or missing files are with no reachable member: they come back with a member that has them (delete them by FTP to give them up)`,
      );
    }
  }

  /** Reads every file. */
  async scrub(filesDir: string): Promise<void> {
    const { local, signal, now } = this.#options;
    const { bytes } = await local.status();
    enter(this.#progress, 'scrubbing', bytes);
    await local.upkeep.state({ scrubStartedAt: null });
    const onBytes = (read: number): void => {
      this.#progress.scrubbedBytes += read;
      this.#progress.done += read;
    };
    await scrub({ local, filesDir, signal, now, onBytes, onDamage: () => undefined });
  }
}
