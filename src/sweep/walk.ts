/**
 * The walk: the volume compared with the catalog, folder by folder. The catalog is the truth about what was deleted: only
 * FTP deletes. What the walk finds:
 *
 * - a file that the catalog does not know, or that looks otherwise than when it was published: somebody put or edited it
 *   from outside (ssh, SMB). Once it rests it becomes a new version, by the merge rules like any other;
 * - a file that has another size and yet the old inode and modification time: no program does that. Damage;
 * - a catalogued file that is not there: damage, fetched again from a peer. Or, where the operator chose so, a deletion;
 * - a folder that is not there: made again. One that the catalog does not know: taken over;
 * - links, devices and names that FTP cannot show: left alone and told.
 */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import type { PlacedEntry } from '../peers/protocol-upkeep.ts';
import { Refusal } from '../replication/operation.ts';
import { massDeletionLimit } from '../replication/tombstones.ts';
import { type Look, lookAt } from './hash-file.ts';
import { takeOver } from './take-over.ts';
import type { WalkOptions, WalkResult } from './walk-api.ts';
import { type FileEntry, isAsPublished, isOlder, nameOf } from './walked-file.ts';

const OWN_NAMES = '.cloudroid';
const MAX_NOTICES = 10;

export async function walk(options: WalkOptions): Promise<WalkResult> {
  return await new Walk(options).run();
}

class Walk {
  readonly #options: WalkOptions;
  readonly #result: WalkResult = { adopted: 0, damaged: 0, restless: 0, differences: 0, notices: [] };
  readonly #gone: FileEntry[] = [];
  /** Changed, and yet dated before what the catalog knows. */
  readonly #older: { readonly entry: FileEntry; readonly look: Look }[] = [];

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  async run(): Promise<WalkResult> {
    const left = ['/'];
    for (let dir = left.pop(); dir !== undefined; dir = left.pop()) {
      this.#options.signal.throwIfAborted();
      left.push(...(await this.#folder(dir)));
      this.#options.onFolder?.();
    }
    await this.#settleOlder();
    await this.#settleGone();
    return this.#result;
  }

  /** Returns the folders in it. */
  async #folder(dir: string): Promise<string[]> {
    const { local, filesDir } = this.#options;
    const prefix = dir === '/' ? '/' : `${dir}/`;
    const expected = new Map<string, PlacedEntry>();
    for (const entry of await local.upkeep.folder(dir)) {
      const place = entry.kind === 'file' ? entry.place : entry.path;
      // A file out of sight (its conflict name is taken) lies in our own folder: the scrub looks after it.
      if (!place.startsWith(`/${OWN_NAMES}`)) expected.set(place, entry);
    }
    const folders: string[] = [];
    for (const found of await this.#read(filesDir + dir)) {
      const name = nameOf(found.name);
      if (name === null) this.#tell(`${dir}: a file whose name is not UTF-8 is left alone`);
      if (name === null || name.startsWith(OWN_NAMES)) continue;
      const path = prefix + name;
      const entry = expected.get(path);
      expected.delete(path);
      if (found.isDirectory()) {
        if (await this.#foundFolder(path, entry)) folders.push(path);
      } else if (found.isFile()) await this.#foundFile(path, entry);
      else this.#tell(`${path}: neither a file nor a folder, left alone`);
    }
    for (const entry of expected.values()) {
      if (entry.kind === 'directory') {
        folders.push(entry.path);
        await this.#lostFolder(entry.path);
      } else if (entry.ino !== null) this.#gone.push(entry);
    }
    return folders;
  }

  async #read(diskPath: string) {
    try {
      return await readdir(diskPath, { withFileTypes: true, encoding: 'buffer' });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : '';
      if (code === 'ENOENT' || code === 'ENOTDIR') return [];
      throw error;
    }
  }

  /** False: not to be entered. */
  async #foundFolder(path: string, entry: PlacedEntry | undefined): Promise<boolean> {
    if (entry?.kind === 'directory') return true;
    this.#result.differences += 1;
    if (entry !== undefined) {
      this.#tell(`${path}: a folder stands where a file should be; move it away to get the file back`);
      return false;
    }
    return await this.#attempt(path, async () => {
      await this.#options.local.commit({ id: operationId(), operation: { op: 'mkdir', path } });
      this.#result.adopted += 1;
    });
  }

  async #foundFile(path: string, entry: PlacedEntry | undefined): Promise<void> {
    const look = lookAt(this.#options.filesDir + path);
    if (look === undefined) return; // gone since
    if (entry?.kind === 'directory') {
      this.#result.differences += 1;
      this.#tell(`${path}: a file stands where a folder should be; move it away to get the folder back`);
      return;
    }
    if (entry !== undefined && isAsPublished(entry, look)) return;
    if (await this.#isNewByNow(path, look)) return;
    this.#result.differences += 1;
    const isDamage =
      entry !== undefined &&
      entry.ino !== null &&
      (this.#options.distrust === 'volume' || (look.ino === entry.ino && look.mtimeNs === entry.mtimeNs));
    if (entry === undefined && (await this.#wasDeleted(path))) await this.#discard(path, look);
    else if (isDamage) await this.#damaged(entry, 'changed');
    else if (entry !== undefined && isOlder(look, entry)) this.#older.push({ entry, look });
    else await this.#adopt(path, look);
  }

  /** Stored by a client since the folder was listed. */
  async #isNewByNow(path: string, look: Look): Promise<boolean> {
    const { disk } = await this.#options.local.record({ path, local: true });
    return (
      disk !== undefined && disk.ino === look.ino && disk.mtimeNs === look.mtimeNs && disk.size === look.size
    );
  }

  async #adopt(path: string, look: Look): Promise<void> {
    if (this.#options.dryRun) return;
    await this.#attempt(path, async () => {
      const outcome = await takeOver(path, look, this.#options);
      if (outcome === 'new version') this.#result.adopted += 1;
      else if (outcome === 'restless') this.#result.restless += 1;
      else if (outcome !== 'refreshed') this.#tell(`${path}: ${outcome}, left alone`);
    });
  }

  async #damaged({ path, sha256, ino, mtimeNs }: FileEntry, why: 'missing' | 'changed'): Promise<void> {
    if (this.#options.dryRun || ino === null || mtimeNs === null) return;
    const { local } = this.#options;
    if (await local.upkeep.damaged({ path, sha256, ino, mtimeNs, why })) this.#result.damaged += 1;
  }

  /**
   * What an old copy of the volume has and no record speaks of was deleted since, as far as anybody knows. An old catalog
   * may have forgotten a file that is new; unless a peer has told of its deletion.
   */
  async #wasDeleted(path: string): Promise<boolean> {
    const { distrust, local } = this.#options;
    if (distrust !== 'catalog') return distrust === 'volume';
    return (await local.record({ path })).record?.kind === 'tombstone';
  }

  async #discard(path: string, { ino, mtimeNs }: Look): Promise<void> {
    if (this.#options.dryRun) return;
    if (await this.#options.local.upkeep.discard({ path, ino, mtimeNs })) {
      this.#tell(`${path}: deleted while an old backup was put back: it is in the trash`);
    }
  }

  async #lostFolder(path: string): Promise<void> {
    this.#result.differences += 1;
    if (this.#options.dryRun) return;
    await this.#attempt(path, () => this.#options.local.upkeep.remakeFolder(path));
  }

  /** One such file was copied with its date. Many are a backup put over the volume, and must not undo what is newer. */
  async #settleOlder(): Promise<void> {
    const { local, alone, dryRun } = this.#options;
    if (this.#older.length === 0 || dryRun) return;
    const isBackup = !alone && this.#older.length > massDeletionLimit((await local.status()).files);
    if (isBackup) {
      this.#tell(
        `${this.#older.length} files were put back that are older than the ones stored: a backup? The newer ones are fetched again, the old ones are in the trash`,
      );
    }
    for (const { entry, look } of this.#older) {
      this.#options.signal.throwIfAborted();
      if (isBackup) await this.#damaged(entry, 'changed');
      else await this.#adopt(entry.place, look);
    }
  }

  /** At the end, because what to think of one that is gone depends on how many are. */
  async #settleGone(): Promise<void> {
    const { local, filesDir, outsideDeletions, dryRun } = this.#options;
    const gone = this.#gone.filter(({ place }) => lookAt(filesDir + place) === undefined);
    this.#result.differences += gone.length;
    if (gone.length === 0 || dryRun) return;
    const { files } = await local.status();
    const tooMany = gone.length > massDeletionLimit(files);
    if (outsideDeletions === 'propagate' && tooMany) {
      this.#tell(
        `${gone.length} files have vanished from the volume: too many to be taken for deletions, so they are restored`,
      );
    }
    for (const entry of gone) {
      this.#options.signal.throwIfAborted();
      if (outsideDeletions === 'restore' || tooMany) await this.#damaged(entry, 'missing');
      else {
        await this.#attempt(entry.path, async () => {
          const { record } = await local.record({ path: entry.path });
          if (record?.sha256 !== entry.sha256) return; // written anew meanwhile
          this.#result.adopted += await local.upkeep.forget([{ path: entry.path, dot: record.dot }]);
        });
      }
    }
  }

  /** A refusal of the tree is told and leaves things as they are; a disk that is full or read-only ends the walk. */
  async #attempt(path: string, action: () => Promise<unknown>): Promise<boolean> {
    if (this.#options.dryRun) return true;
    try {
      await action();
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.kind === 'read-only' || error.kind === 'no-space' || error.kind === 'io') throw error;
      this.#tell(`${path}: not taken over (${error.message})`);
      return false;
    }
  }

  #tell(notice: string): void {
    const { notices } = this.#result;
    if (notices.length < MAX_NOTICES) notices.push(notice);
    else if (notices.length === MAX_NOTICES) notices.push('... and more');
  }
}

function operationId(): string {
  return `walk-${randomBytes(12).toString('hex')}`;
}
