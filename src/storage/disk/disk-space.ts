/** Free space of the volume, and the reserve that new bytes may not touch, so that deletes always work. */
import { statfsSync } from 'node:fs';
import { Refusal } from '../../replication/operation.ts';

const MIN_RESERVE_BYTES = 64 * 1024 * 1024;
const RESERVE_SHARE = 0.01;

export class DiskSpace {
  readonly #dir: string;
  readonly #reserveBytes: number | undefined;
  #reclaim: (bytes: number) => boolean = () => false;

  /** `reserveBytes` undefined: 64 MiB or 1 % of the file system, whichever is more. */
  constructor(dir: string, reserveBytes?: number) {
    this.#dir = dir;
    this.#reserveBytes = reserveBytes;
  }

  /** `reclaim` frees about so many bytes that can be done without, and says whether it freed any. */
  useReclaim(reclaim: (bytes: number) => boolean): void {
    this.#reclaim = reclaim;
  }

  /** Bytes that new files may still take; 0 when the volume is missing. */
  freeBytes(): number {
    try {
      const { free, reserve } = this.#look();
      return Math.max(0, free - reserve);
    } catch {
      return 0; // hello() must answer without a volume too; its readOnly says why
    }
  }

  /** Throws Refusal no-space when `bytes` more would eat into the reserve. */
  require(bytes: number, path?: string): void {
    for (;;) {
      const { free, reserve } = this.#look();
      if (free - bytes >= reserve) return;
      if (!this.#reclaim(reserve + bytes - free)) break;
    }
    throw new Refusal('no-space', `this member's disk has no room for ${bytes} more bytes`, {
      ...(path === undefined ? {} : { path }),
    });
  }

  /** True when old trash has to make room. */
  isShort(): boolean {
    const { free, reserve } = this.#look();
    return free < 2 * reserve;
  }

  #look(): { free: number; reserve: number } {
    const { bavail, blocks, bsize } = statfsSync(this.#dir);
    const reserve =
      this.#reserveBytes ?? Math.max(MIN_RESERVE_BYTES, Math.floor(blocks * bsize * RESERVE_SHARE));
    return { free: bavail * bsize, reserve };
  }
}
