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
    list: (path) => files.list(path),
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
      const [there] = await Promise.all([files.lookup(path), ledger.used(quota.home)]);
      const room = new Room(quota, ledger, there?.kind === 'file' ? there.size : 0);
      try {
        const prefix = options.prefix?.length ?? options.part?.length ?? 0;
        // ALLO tells the size of what comes, or of the whole; more than it is refused later, less here never.
        room.grow(Math.max(prefix, options.announcedBytes ?? 0));
        return new LimitedUpload(await files.startUpload(path, options), room);
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
  readonly #replaced: number;
  #held = 0;

  constructor(quota: Quota, ledger: QuotaLedger, replaced: number) {
    this.#quota = quota;
    this.#ledger = ledger;
    this.#replaced = replaced;
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

  constructor(upload: Upload, room: Room) {
    this.#upload = upload;
    this.#room = room;
  }

  get size(): number {
    return this.#upload.size;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#room.grow(this.#upload.size + chunk.length);
    await this.#upload.write(chunk);
  }

  async finish(): Promise<Outcome> {
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
    return await this.#upload.keep(as);
  }
}
