/**
 * Free space of the volume and of the disk with the catalog, which may be another one, and the reserves that new bytes may
 * not touch, so that deletes always work.
 */
import { type StatsFs, statfsSync, statSync } from 'node:fs';
import { Refusal } from '../../replication/operation.ts';

const MIN_RESERVE_BYTES = 64 * 1024 * 1024;
const RESERVE_SHARE = 0.01;
/** Of a small disk that holds only the catalog, an SD card's partition say. */
const CATALOG_RESERVE_SHARE = 0.25;

const LONGEST_STEP_BYTES = 8 * 1024 * 1024;
const SHORTEST_STEP_BYTES = 256 * 1024;
/** So many uploads at once may go on between two looks and still leave the reserve alone. */
const UPLOADS_AT_ONCE = 250;

export class DiskSpace {
  readonly #dir: string;
  readonly #stateDir: string;
  readonly #reserveBytes: number | undefined;
  #reclaim: (bytes: number) => boolean = () => false;
  #expendable: (bytes: number) => boolean = () => false;
  #keepBallast: () => boolean = () => true;

  /** `reserveBytes` undefined: 64 MiB or 1 % of the file system, whichever is more. */
  constructor(dir: string, stateDir: string, reserveBytes?: number) {
    this.#dir = dir;
    this.#stateDir = stateDir;
    this.#reserveBytes = reserveBytes;
  }

  /**
   * `reclaim` frees about so many bytes that can be done without, and says whether it freed any; before it, `expendable`
   * does, whose bytes are of less use than the trash. `keepBallast` says whether the volume has its ballast.
   */
  useReclaim(
    reclaim: (bytes: number) => boolean,
    expendable: (bytes: number) => boolean,
    keepBallast: () => boolean,
  ): void {
    this.#keepBallast = keepBallast;
    this.#expendable = expendable;
    this.#reclaim = (bytes) => expendable(bytes) || reclaim(bytes);
  }

  /** Bytes that new files may still take; 0 when the volume is missing. */
  freeBytes(): number {
    try {
      if (this.#catalogRoom() < 0) return 0;
      const { free, reserve } = this.#look();
      return Math.max(0, free - reserve);
    } catch {
      return 0; // hello() must answer without a volume too; its readOnly says why
    }
  }

  /**
   * For whatever is not a deletion, inside its transaction: without the ballast nobody knows that it can be carried out.
   * Throws Refusal no-space.
   */
  requireBallast(path?: string): void {
    while (!this.#keepBallast()) {
      if (!this.#reclaim(Number.MAX_SAFE_INTEGER))
        throw noSpace("this member's disk is full: delete something first", path);
    }
  }

  /** Throws Refusal no-space when `bytes` more would eat into the reserve, or the catalog's disk is down to its own. */
  require(bytes: number, path?: string): void {
    for (;;) {
      const { free, reserve } = this.#look();
      if (free - bytes >= reserve) break;
      if (!this.#reclaim(reserve + bytes - free)) {
        throw noSpace(`this member's disk has no room for ${bytes} more bytes`, path);
      }
    }
    this.requireBallast(path);
    if (this.#catalogRoom() < 0)
      throw noSpace(`the disk with this member's catalog (${this.#stateDir}) is nearly full`, path);
  }

  /**
   * For changes that bring no bytes but make the catalog grow (folders, renames, times): they may use half of the reserve,
   * the rest is for deletions. Throws Refusal no-space.
   */
  requireForCatalog(path?: string): void {
    const { free, reserve } = this.#look();
    if (free >= reserve / 2 && this.#catalogRoom(2) >= 0) return;
    if (this.#reclaim(reserve) && this.#look().free >= reserve / 2 && this.#catalogRoom(2) >= 0) return;
    throw noSpace('the last room of this disk is kept for deletions: delete something first', path);
  }

  /** Bytes that an upload may write before it asks again: the less is left, the fewer. */
  step(): number {
    const fair = Math.floor(this.freeBytes() / UPLOADS_AT_ONCE);
    return Math.min(LONGEST_STEP_BYTES, Math.max(SHORTEST_STEP_BYTES, fair));
  }

  /** True when old trash has to make room. */
  isShort(): boolean {
    for (;;) {
      const { free, reserve } = this.#look();
      if (free >= 2 * reserve) return false;
      if (!this.#expendable(2 * reserve - free)) return true;
    }
  }

  #look(): { free: number; reserve: number } {
    const found = statfsSync(this.#dir);
    const reserve =
      this.#reserveBytes ?? Math.max(MIN_RESERVE_BYTES, Math.floor(bytesOf(found) * RESERVE_SHARE));
    return { free: found.bavail * found.bsize, reserve };
  }

  /** Bytes above the reserve of a disk of the catalog's own; 0 when it lies on the volume's, whose reserve is for both. */
  #catalogRoom(divisor = 1): number {
    if (statSync(this.#stateDir).dev === statSync(this.#dir).dev) return 0;
    const found = statfsSync(this.#stateDir);
    const share = Math.floor(bytesOf(found) * CATALOG_RESERVE_SHARE);
    const reserve = Math.min(this.#reserveBytes ?? MIN_RESERVE_BYTES, share);
    return found.bavail * found.bsize - reserve / divisor;
  }
}

function bytesOf({ blocks, bsize }: StatsFs): number {
  return blocks * bsize;
}

function noSpace(message: string, path: string | undefined): Refusal {
  return new Refusal('no-space', message, path === undefined ? {} : { path });
}
