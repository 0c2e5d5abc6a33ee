/**
 * The plain files as users see them. The one place that changes them: every step is an intent that a committed
 * transaction has written down, so each can be redone after a crash and does nothing when it was done already.
 *
 * Nothing unknown is ever overwritten or deleted: what is found where the catalog knows another file, or none, is
 * moved to the trash.
 */
import { randomBytes } from 'node:crypto';
import { type BigIntStats, lstatSync, mkdirSync, renameSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isAccountPath } from '../../replication/account-path.ts';
import { isPlanted } from '../../system/planted-bug.ts';
import type { Intent } from '../catalog/catalog-ledger.ts';
import { INTERNAL_NAME } from '../path-check.ts';
import { errnoOf } from '../store-errors.ts';
import { directoryModeFor } from './account-mode.ts';
import { type Ballast, volumeBallast } from './ballast.ts';
import { removeIfEmpty, setTime } from './file-steps.ts';

export interface Displaced {
  /** Name in the trash. */
  readonly id: string;
  readonly place: string;
  readonly size: number;
}

export class Volume {
  readonly filesDir: string;
  readonly stagingDir: string;
  readonly partsDir: string;
  readonly trashDir: string;
  /** The last room there is for steps of committed transactions. */
  readonly ballast: Ballast;
  #anchor: string | undefined;
  readonly #onDisplaced: (what: Displaced) => void;
  readonly #onLost: (place: string) => void;
  readonly #onRefused: (place: string) => void;
  /** Files whose bytes turned out to be others than the catalog says, by inode and modification time. */
  readonly #distrusted = new Set<string>();

  /**
   * `onLost`: bytes that a committed transaction promised are gone, which only a damaged disk explains. `onRefused`: a file
   * was given to another user meanwhile and keeps its old time.
   */
  constructor(
    filesDir: string,
    onDisplaced: (what: Displaced) => void,
    onLost: (place: string) => void = () => undefined,
    onRefused: (place: string) => void = () => undefined,
  ) {
    this.#onLost = onLost;
    this.#onRefused = onRefused;
    this.filesDir = filesDir;
    this.stagingDir = join(filesDir, INTERNAL_NAME, 'staging');
    this.partsDir = join(filesDir, INTERNAL_NAME, 'parts');
    this.trashDir = join(filesDir, INTERNAL_NAME, 'trash');
    this.ballast = volumeBallast(join(filesDir, INTERNAL_NAME));
    this.#onDisplaced = onDisplaced;
  }

  /** Takes note of the mount that is there now. */
  remember(): void {
    this.#anchor = this.#look();
  }

  /** False when another file system, or nothing, is where the volume was: then nothing may be changed. */
  isPresent(): boolean {
    return this.#anchor !== undefined && this.#look() === this.#anchor;
  }

  /** False: the ballast is not there and cannot be made now, so nothing new may be decided. */
  keepBallast(): boolean {
    return this.isPresent() && this.ballast.keep();
  }

  #look(): string | undefined {
    try {
      const found = lstatSync(this.stagingDir, { bigint: true, throwIfNoEntry: false });
      return found === undefined ? undefined : `${found.dev}:${found.ino}`;
    } catch {
      return undefined; // a disk that does not even say that is as good as gone
    }
  }

  distrust({ ino, mtimeNs }: { readonly ino: string; readonly mtimeNs: string }): void {
    this.#distrusted.add(`${ino} ${mtimeNs}`);
  }

  isDistrusted({ ino, mtimeNs }: { readonly ino: string; readonly mtimeNs: string }): boolean {
    return this.#distrusted.size > 0 && this.#distrusted.has(`${ino} ${mtimeNs}`);
  }

  diskPath(place: string): string {
    return this.filesDir + place;
  }

  /** Does a step; adds the directories that have to be flushed to `dirty`. Throws what the disk says. */
  carryOut(intent: Intent, dirty: Set<string>): void {
    const path = this.diskPath(intent.place);
    const link = this.#linkAbove(intent.place);
    if (link !== null) {
      // What lies behind a link is not ours, whatever its name and inode.
      if (intent.action !== 'publish' && intent.action !== 'mkdir') return;
      this.#displace(link, 0, dirty);
    }
    switch (intent.action) {
      case 'remove':
        // A folder may have got the inode number of a file that went.
        if (inodeAt(path) === intent.ino && !lstatSync(path).isDirectory()) unlinkSync(path);
        break;
      case 'displace':
        if (inodeAt(path) === intent.ino && !lstatSync(path).isDirectory()) {
          renameSync(path, join(this.trashDir, intent.trash));
          dirty.add(this.trashDir);
        }
        break;
      case 'rmdir':
        removeIfEmpty(path);
        break;
      case 'mkdir':
        this.#makeDirectory(intent.place, dirty);
        break;
      case 'publish':
        this.#publish(intent.place, join(this.stagingDir, intent.staged), intent.ino, dirty);
        break;
      case 'touch':
        if (inodeAt(path) === intent.ino && !setTime(path, intent.mtime / 1000))
          this.#onRefused(intent.place);
        return;
    }
    dirty.add(dirname(path));
  }

  /** The topmost folder above the place that somebody replaced by a symbolic link, which may lead out of the volume. */
  #linkAbove(place: string): string | null {
    for (let slash = place.indexOf('/', 1); slash > 0; slash = place.indexOf('/', slash + 1)) {
      const folder = place.slice(0, slash);
      const there = lstatSync(this.diskPath(folder), { throwIfNoEntry: false });
      if (there?.isDirectory() === true) continue;
      return there?.isSymbolicLink() === true ? folder : null;
    }
    return null;
  }

  #publish(place: string, staged: string, replaced: string | null, dirty: Set<string>): void {
    if (isPlanted('rename missing')) return;
    const path = this.diskPath(place);
    const there = statAt(path);
    const inode = there === undefined ? undefined : inodeAt(staged);
    if (inode !== undefined && inode === String(there?.ino)) {
      unlinkSync(staged); // rename() of two names of one file does nothing
      return;
    }
    if (there !== undefined && (there.isDirectory() || String(there.ino) !== replaced)) {
      if (inode === undefined) return; // done before the crash
      // Where an account belongs nobody else puts anything: a file there is an old form of it, edited or left behind.
      const inTheWay = there.isDirectory() ? !removeIfEmpty(path) : !isAccountPath(place);
      if (inTheWay) this.#displace(place, Number(there.size), dirty);
    }
    try {
      renameSync(staged, path);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== 'ENOENT' && errno !== 'ENOTDIR') throw error;
      if (inodeAt(staged) === undefined) {
        // It must not hold up everything after it: the record lacks its bytes, as after any other damage.
        this.#onLost(place);
        return;
      }
      this.#makeDirectory(dirname(place), dirty); // somebody removed it behind our back, or put a file in its place
      renameSync(staged, path);
    }
  }

  #makeDirectory(place: string, dirty: Set<string>): void {
    const path = this.diskPath(place);
    const mode = directoryModeFor(place);
    try {
      mkdirSync(path, mode);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT' || errno === 'ENOTDIR') {
        this.#makeDirectory(dirname(place), dirty);
      } else if (errno === 'EEXIST') {
        const there = lstatSync(path);
        if (there.isDirectory()) return;
        this.#displace(place, there.size, dirty);
      } else throw error;
      mkdirSync(path, mode);
    }
    dirty.add(dirname(path));
  }

  /** Something the catalog does not know is in the way: to the trash with it, never over it. */
  #displace(place: string, size: number, dirty: Set<string>): void {
    const id = newTrashId();
    renameSync(this.diskPath(place), join(this.trashDir, id));
    dirty.add(this.trashDir).add(dirname(this.diskPath(place)));
    this.#onDisplaced({ id, place, size });
  }
}

/** Random from the first letter on: people type the beginning. */
export function newTrashId(): string {
  return randomBytes(12).toString('hex');
}

/** The inode of what is at a disk path (a link itself, not its target), undefined for nothing. */
export function inodeAt(path: string): string | undefined {
  return statAt(path)?.ino.toString();
}

function statAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
