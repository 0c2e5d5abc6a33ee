/**
 * When rounds happen: at start, on the schedule (node-cron), when the storage server was told that a peer is back or a
 * push was missed (SITE SWEEP), when the list of peers changes, and again soon after a round that failed somewhere. One
 * round at a time; whatever is asked for during a round makes one more after it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { schedule } from 'node-cron';
import type { Endpoint } from '../config/settings-api.ts';
import type { SweepReport } from '../peers/protocol-reports.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import type { Logger } from '../system/logger-api.ts';
import { formatEndpoint } from '../system/port-in-use.ts';
import { BackgroundScrub } from './background-scrub.ts';
import { sweepOnce } from './round.ts';
import type { VolumeCare } from './volume-care.ts';

export interface SweepOptions {
  readonly local: ReplicaClient;
  readonly openPeer: (endpoint: Endpoint) => ReplicaClient;
  /** node-cron expression. */
  readonly schedule: string;
  readonly logger: Logger;
  readonly now: () => number;
  /** The volume of this member, walked daily and scrubbed; absent: only peers are looked at. */
  readonly volume?: VolumeCare;
}

export interface Sweep {
  setPeers(peers: readonly Endpoint[]): void;
  /** Breaks a running round off: it goes on where it was at the next start. */
  close(): Promise<void>;
}

const WAIT_SECONDS = 30;
const STORAGE_AWAY_MS = 1000;
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;

export function startSweep(options: SweepOptions): Sweep {
  return new Scheduler(options);
}

class Scheduler implements Sweep {
  readonly #options: SweepOptions;
  readonly #stop = new AbortController();
  readonly #task: ReturnType<typeof schedule>;
  readonly #running: Promise<unknown>;
  #peers = new Map<string, ReplicaClient>();
  #wake = Promise.withResolvers<void>();
  #retryMs = FIRST_RETRY_MS;
  #retry: NodeJS.Timeout | undefined;
  #lastFailures = '';
  readonly #scrub: BackgroundScrub | undefined;

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#task = schedule(options.schedule, () => this.#ask());
    this.#running = Promise.all([this.#work(), this.#listen()]);
    const { local, volume, now, logger } = options;
    if (volume !== undefined) {
      const { filesDir } = volume;
      this.#scrub = new BackgroundScrub({ local, filesDir, now, logger, onDamage: () => this.#ask() });
    }
    this.#ask();
  }

  setPeers(endpoints: readonly Endpoint[]): void {
    const before = this.#peers;
    this.#peers = new Map();
    for (const endpoint of endpoints) {
      const key = formatEndpoint(endpoint);
      this.#peers.set(key, before.get(key) ?? this.#options.openPeer(endpoint));
    }
    for (const [key, peer] of before) if (!this.#peers.has(key)) peer.close();
    this.#ask();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#retry);
    await this.#task.destroy();
    // Streams that a round is reading end with their connections.
    for (const peer of this.#peers.values()) peer.close();
    this.#ask();
    await Promise.all([this.#running, this.#scrub?.close()]);
  }

  #ask(): void {
    this.#wake.resolve();
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
      if (this.#stop.signal.aborted) return;
      clearTimeout(this.#retry);
      try {
        await this.#round();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#options.logger.warn('a sweep was broken off', { error });
        this.#again();
      }
    }
  }

  async #round(): Promise<void> {
    const { local, now, logger, volume } = this.#options;
    const report = await sweepOnce({
      local,
      now,
      volume,
      peers: [...this.#peers.values()],
      signal: this.#stop.signal,
    });
    if (report === null) {
      logger.debug('another sweep is running');
      this.#again();
      return;
    }
    this.#log(report);
    if (report.failures.length > 0) this.#again();
    else this.#retryMs = FIRST_RETRY_MS;
  }

  #log(report: SweepReport): void {
    const { logger } = this.#options;
    const { pulledFiles, pulledBytes, applied, conflicts, startedAt, finishedAt } = report;
    const { repaired, adopted } = report;
    const details = {
      files: pulledFiles,
      bytes: pulledBytes,
      applied,
      conflicts,
      repaired,
      adopted,
      seconds: ((finishedAt ?? startedAt) - startedAt) / 1000,
    };
    const eventful = applied + pulledFiles + repaired + adopted > 0;
    logger[eventful ? 'info' : 'debug']('swept', details);
    // A peer that stays away is told once, not at every try.
    const text = [...report.failures, ...report.notices].join('; ');
    if (text !== this.#lastFailures && text !== '')
      logger.warn('could not sweep everything', { failures: text });
    this.#lastFailures = text;
  }

  #again(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#ask(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
  }

  /** SITE WAIT: answers as soon as somebody asked for a sweep. */
  async #listen(): Promise<void> {
    const { local, logger } = this.#options;
    const { signal } = this.#stop;
    let after = 0;
    let lost = false;
    while (!signal.aborted) {
      try {
        // After a restart at once: what was asked for in between is forgotten, and peers may have got more meanwhile.
        const seconds = lost ? 0 : WAIT_SECONDS;
        const { request } = await local.wait({ after, seconds }, signal);
        // Smaller: the storage server was started anew and counts from 0.
        if (request !== after || lost) {
          lost = false;
          this.#retryMs = FIRST_RETRY_MS;
          this.#ask();
        }
        after = request;
      } catch (error) {
        if (signal.aborted) return;
        lost = true;
        logger.debug('the storage server does not answer', { error });
        await sleep(STORAGE_AWAY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
