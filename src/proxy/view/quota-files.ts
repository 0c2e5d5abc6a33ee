/** The members' files with the bytes under a home folder limited. */
import type { Outcome, Upload, UploadOptions } from '../../peers/replica-set-api.ts';
import { type Change, type ClientFiles, QuotaExceeded } from './client-files.ts';
import type { QuotaLedger } from './quota-ledger.ts';

export interface Quota {
  readonly home: string;
  readonly bytes: number;
}

export function limitedFiles(files: ClientFiles, quota: Quota, ledger: QuotaLedger): ClientFiles {
  return {
    lookup: (path) => files.lookup(path),
    lookupInFolder: (path) => files.lookupInFolder(path),
    list: (path, over) => files.list(path, over),
    read: (entry, offset) => files.read(entry, offset),
    parts: files.parts,
    members: () => files.members(),
    async freeBytes() {
      const [free, used] = await Promise.all([files.freeBytes(), ledger.used(quota.home)]);
      return Math.max(0, Math.min(free, quota.bytes - used));
    },
    async change(operation: Change): Promise<Outcome> {
      const outcome = await files.change(operation);
      if (operation.op !== 'mkdir' && operation.op !== 'touch') ledger.countAgain(quota.home);
      return outcome;
    },
    async startUpload(path: string, options: UploadOptions = {}): Promise<Upload> {
      const sizeThere = async (): Promise<number> => {
        const there = await files.lookup(path);
        return there?.kind === 'file' ? there.size : 0;
      };
      const [replaced] = await Promise.all([sizeThere(), ledger.used(quota.home)]);
      const room = new Room(quota, ledger, replaced);
      try {
        const prefix = options.prefix?.length ?? options.part?.length ?? 0;
        // ALLO tells the size of what comes, or of the whole; more than it is refused later, less here never.
        room.grow(Math.max(prefix, options.announcedBytes ?? 0));
        return new LimitedUpload(await files.startUpload(path, options), room, sizeThere);
      } catch (error) {
        room.giveBack();
        throw error;
      }
    },
  };
}

/** What one upload holds of the quota: what it has beyond the file that it replaces. */
class Room {
  readonly #quota: Quota;
  readonly #ledger: QuotaLedger;
  #replaced: number;
  #held = 0;

  constructor(quota: Quota, ledger: QuotaLedger, replaced: number) {
    this.#quota = quota;
    this.#ledger = ledger;
    this.#replaced = replaced;
  }

  get quotaBytes(): number {
    return this.#quota.bytes;
  }

  /** For an upload of so many bytes. @throws QuotaExceeded */
  grow(size: number): void {
    const more = size - this.#replaced - this.#held;
    if (more <= 0) return;
    if (!this.#ledger.hold(this.#quota.home, more, this.#quota.bytes)) {
      throw new QuotaExceeded('That exceeds the storage allocation of this account.');
    }
    this.#held += more;
  }

  /** Another one is there now: the old one may count elsewhere (RNTO), or not at all. @throws QuotaExceeded */
  async replaces(replaced: number, size: number): Promise<void> {
    if (replaced === this.#replaced) return;
    this.#replaced = replaced;
    await this.#ledger.used(this.#quota.home);
    this.grow(size);
  }

  giveBack(): void {
    this.#ledger.release(this.#quota.home, this.#held);
    this.#held = 0;
  }

  forget(): void {
    this.giveBack();
    this.#ledger.countAgain(this.#quota.home);
  }

  stored(size: number): void {
    this.giveBack();
    this.#ledger.add(this.#quota.home, size - this.#replaced);
  }
}

class LimitedUpload implements Upload {
  readonly #upload: Upload;
  readonly #room: Room;
  readonly #sizeThere: () => Promise<number>;

  constructor(upload: Upload, room: Room, sizeThere: () => Promise<number>) {
    this.#upload = upload;
    this.#room = room;
    this.#sizeThere = sizeThere;
  }

  get size(): number {
    return this.#upload.size;
  }

  async write(chunk: Uint8Array, done?: () => void): Promise<void> {
    this.#room.grow(this.#upload.size + chunk.length);
    await this.#upload.write(chunk, done);
  }

  async finish(): Promise<Outcome> {
    // Whoever renames the old file away meanwhile would otherwise store without an end.
    await this.#room.replaces(await this.#sizeThere(), this.#upload.size);
    try {
      const outcome = await this.#upload.finish();
      this.#room.stored(this.#upload.size);
      return outcome;
    } catch (error) {
      // It may have been stored all the same.
      this.#room.forget();
      throw error;
    }
  }

  async abort(reason: string): Promise<void> {
    this.#room.giveBack();
    await this.#upload.abort(reason);
  }

  async keep(as: Parameters<Upload['keep']>[0]): Promise<boolean> {
    this.#room.giveBack();
    return await this.#upload.keep({ ...as, mostBytes: this.#room.quotaBytes });
  }
}
