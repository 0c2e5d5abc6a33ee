/**
 * The scrub: every file is read again and hashed, so that bit rot is found while another member still has the bytes. It
 * goes by path, a page at a time; where it is, is kept by the storage server, so that it goes on after a restart.
 *
 * A file that looks as it did when it was published (inode, size, modification time) and has another hash, or cannot be
 * read, is damaged. One that looks otherwise was changed from outside: that is for the walk to judge.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FileOnDisk } from '../peers/protocol-upkeep.ts';
import { FILES_PAGE } from '../peers/protocol-upkeep.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { isPlanted } from '../system/planted-bug.ts';
import { hashFile } from './hash-file.ts';

export interface ScrubOptions {
  readonly local: ReplicaClient;
  readonly filesDir: string;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Bytes a second; undefined: as fast as it goes. */
  readonly pace?: number | undefined;
  /** Called with what was read since the last call. */
  readonly onBytes?: (bytes: number) => void;
  readonly onDamage: (file: FileOnDisk) => void;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Every file within 30 days: a pass begins every 7 and may take 20. */
const PASS_EVERY_MS = 7 * DAY_MS;
const PASS_TAKES_MS = 20 * DAY_MS;
const LEAST_PACE = 512 * 1024;
const SAVE_EVERY_MS = 60_000;
/** How much is read at once before it waits. */
const BURST_BYTES = 4 * 1024 * 1024;

/** Bytes a second at which everything is read in time. */
export function scrubPace(totalBytes: number): number {
  return Math.max(LEAST_PACE, (totalBytes / PASS_TAKES_MS) * 1000);
}

/** Milliseconds until the next pass is due; 0: now, or one is under way. */
export function scrubDueIn(
  state: { readonly scrubStartedAt: number | null; readonly scrubbedAt: number | null },
  now: number,
): number {
  const { scrubStartedAt, scrubbedAt } = state;
  if (scrubStartedAt === null || scrubbedAt === null || scrubbedAt < scrubStartedAt) return 0;
  // A clock that was in the future when it was written down must not put it off for years.
  if (scrubStartedAt > now) return 0;
  return Math.max(0, scrubStartedAt + PASS_EVERY_MS - now);
}

/** Goes on with the pass under way, or begins one, to its end. Rejects when aborted or the storage server is away. */
export async function scrub(options: ScrubOptions): Promise<void> {
  const { local, now, signal } = options;
  let state = await local.upkeep.state();
  const underWay = state.scrubStartedAt !== null && (state.scrubbedAt ?? 0) < state.scrubStartedAt;
  if (!underWay) {
    state = await local.upkeep.state({ scrubStartedAt: now(), scrubAfter: '', scrubbedBytes: 0 });
  }
  let { scrubAfter, scrubbedBytes } = state;
  let savedAt = performance.now();
  const brake = new Brake(options.pace, signal);
  try {
    for (let more = true; more; ) {
      const files = await local.upkeep.files(scrubAfter);
      for (const file of files) {
        signal.throwIfAborted();
        scrubbedBytes += await scrubFile(file, options, brake);
        scrubAfter = file.path;
        if (performance.now() - savedAt < SAVE_EVERY_MS) continue;
        await local.upkeep.state({ scrubAfter, scrubbedBytes });
        savedAt = performance.now();
      }
      more = files.length === FILES_PAGE;
    }
  } catch (error) {
    // Where it was; if the storage server is away too, it begins a minute's work earlier.
    await local.upkeep.state({ scrubAfter, scrubbedBytes }).catch(() => undefined);
    throw error;
  }
  // Later than its begin also when the clock went back meanwhile: the pass is over.
  const scrubbedAt = Math.max(now(), state.scrubStartedAt ?? 0);
  await local.upkeep.state({ scrubbedAt, scrubAfter: '', scrubbedBytes });
}

/** Bytes read. */
async function scrubFile(file: FileOnDisk, options: ScrubOptions, brake: Brake): Promise<number> {
  const { local, filesDir, signal, onBytes, onDamage } = options;
  const { path, sha256, ino, mtimeNs, size } = file;
  if (ino === null || mtimeNs === null) return 0; // missing already
  let bytes = 0;
  const hashed = await hashFile(filesDir + file.place, signal, async (read) => {
    bytes += read;
    onBytes?.(read);
    await brake.take(read);
  });
  if (hashed.kind === 'moving') return bytes;
  if (hashed.kind === 'hashed') {
    const { look } = hashed;
    const touched = look.ino !== ino || look.mtimeNs !== mtimeNs;
    if (touched || (hashed.sha256 === sha256 && look.size === size)) return bytes;
    if (isPlanted('rot published')) {
      await local.upkeep.adopt({ path, ino, mtimeNs, size: look.size, sha256: hashed.sha256 });
      return bytes;
    }
  } else if (hashed.code !== 'EIO') return bytes; // no right to read it: that heals nobody
  const why = hashed.kind === 'hashed' ? 'rotten' : 'unreadable';
  if (await local.upkeep.damaged({ path, sha256, ino, mtimeNs, why })) onDamage(file);
  return bytes;
}

/** Holds up whoever reads so that it stays below so many bytes a second over time. */
class Brake {
  readonly #bytesPerMs: number;
  readonly #signal: AbortSignal;
  #taken = 0;
  #since = performance.now();

  constructor(pace: number | undefined, signal: AbortSignal) {
    this.#bytesPerMs = (pace ?? Number.POSITIVE_INFINITY) / 1000;
    this.#signal = signal;
  }

  async take(bytes: number): Promise<void> {
    this.#taken += bytes;
    if (this.#taken < BURST_BYTES || this.#bytesPerMs === Number.POSITIVE_INFINITY) return;
    const waitMs = this.#taken / this.#bytesPerMs - (performance.now() - this.#since);
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#signal });
    this.#taken = 0;
    this.#since = performance.now();
  }
}
