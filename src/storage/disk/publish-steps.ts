/** One job's files, settled one after the other: what stays, what gets bytes, what goes to the trash. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { TrashReason } from '../../peers/protocol-attic.ts';
import { isAccountPath } from '../../replication/account-path.ts';
import { Refusal } from '../../replication/operation.ts';
import type { ReplicaRecord } from '../../replication/record.ts';
import type { Intent } from '../catalog/catalog-ledger.ts';
import type { LocalFile, StoredRecord } from '../catalog/record-row.ts';
import type { Group } from '../group.ts';
import { errnoOf } from '../store-errors.ts';
import { type ContentSource, findSource, isIntact, sourceAt } from './content-source.ts';
import { isOurs } from './file-steps.ts';
import { intoTrash } from './into-trash.ts';
import type { PublishContext } from './publish-context.ts';
import { nameInStaging } from './staged-name.ts';
import type { Prepared } from './staging.ts';
import { probeMtimeNs } from './touch-probe.ts';
import { inodeAt, newTrashId } from './volume.ts';

export interface Item {
  readonly path: string;
  readonly before: StoredRecord | undefined;
  readonly after: StoredRecord | undefined;
  /** Where the file has to be; undefined for no file. */
  readonly place: string | undefined;
}

export class Steps {
  readonly publishes: Intent[] = [];
  readonly touches: Intent[] = [];
  readonly #context: PublishContext;
  readonly #group: Group;
  readonly #prepared: ReadonlyMap<string, Prepared>;
  readonly #adopted: ReadonlyMap<string, LocalFile>;
  /** Inode known at each place before the job. */
  readonly #occupied = new Map<string, string>();
  /** Names in the trash for files that are moved there, because they can get no second name; by place. */
  readonly #displaced = new Map<string, string>();
  readonly #kept = new Set<string>();
  /** Hashes whose bytes are surely in some place after this job: kept as they are, or about to be published. */
  readonly #secured = new Set<string>();
  /** What goes, and why; looked at when it is known what stays. */
  readonly #going: { readonly before: StoredRecord; readonly why: TrashReason }[] = [];
  /** Staged files given away by this job, for more records with the same content; by hash, and by hash and time. */
  readonly #given = new Map<string, Prepared>();
  readonly #beforeByContent = new Map<string, StoredRecord[]>();

  constructor(
    context: PublishContext,
    group: Group,
    items: readonly Item[],
    prepared: ReadonlyMap<string, Prepared>,
    adopted: ReadonlyMap<string, LocalFile>,
  ) {
    this.#context = context;
    this.#group = group;
    this.#prepared = prepared;
    this.#adopted = adopted;
    for (const { path, before } of items) {
      if (before?.local !== undefined) {
        this.#occupied.set(before.local.place, before.local.ino);
        const same = this.#beforeByContent.get(before.record.sha256);
        if (same === undefined) this.#beforeByContent.set(before.record.sha256, [before]);
        else same.push(before);
      }
      // Whatever lies there is an old form of it, also when it was edited or put there by hand.
      const ino = isAccountPath(path) ? inodeAt(context.volume.diskPath(path)) : undefined;
      if (ino !== undefined) this.#occupied.set(path, ino);
    }
  }

  async settle({ path, before, after, place }: Item, needs: ReadonlySet<string>): Promise<void> {
    const { catalog, warn } = this.#context;
    const old = before?.local;
    if (after === undefined || place === undefined) {
      this.#goes(before, 'deleted');
      return;
    }
    const { record } = after;
    const found = this.#adopted.get(path);
    if (found !== undefined) {
      if (found.place !== place) throw new Refusal('is-a-directory', 'a folder has that name', { path });
      // What the catalog knew of was overwritten or replaced from outside: there is nothing left to keep.
      this.#kept.add(place);
      catalog.records.setLocal(path, found);
      return;
    }
    const sameContent = before?.record.kind === 'file' && before.record.sha256 === record.sha256;
    const staysThere = sameContent && old !== undefined && old.place === place;
    this.#group.checkUntouched(place);
    // Not on the catalog's word alone: what was removed or edited from outside must not pass for the new upload.
    if (staysThere && isIntact(this.#context.volume, before)) {
      if (before.record.mtime === record.mtime || this.#touch(path, old, record)) {
        this.#kept.add(place);
        this.#secured.add(record.sha256);
        return;
      }
    }
    const local = await this.#provide(record, place);
    if (local !== undefined) {
      this.#secured.add(record.sha256);
      this.#goes(before, 'replaced');
      catalog.records.setLocal(path, local);
      return;
    }
    if (needs.has(record.sha256) || !sameContent) {
      throw new Refusal('missing-content', 'this member does not hold the content', { path });
    }
    warn('the bytes of a file are damaged or missing on disk', { path, sha256: record.sha256 });
    if (staysThere) {
      // Whoever looks after the volume decides: it may be an edit that is to be taken over.
      this.#kept.add(place);
      return;
    }
    this.#goes(before, 'damaged');
    catalog.records.setLocal(path, undefined);
  }

  /** Keeps what goes in the trash; after all was settled, because content that lives on needs no keeping. */
  discard(): void {
    for (const { before, why } of this.#going) this.#discard(before, why);
  }

  #goes(before: StoredRecord | undefined, why: TrashReason): void {
    if (before !== undefined) this.#going.push({ before, why });
  }

  /** The places whose files go: those that get no successor, and those that are kept by moving them. */
  removals(): Intent[] {
    const published = new Set(this.publishes.map((intent) => intent.place));
    const removals: Intent[] = [];
    for (const [place, ino] of this.#occupied) {
      if (this.#kept.has(place)) continue;
      const trash = this.#displaced.get(place);
      if (trash !== undefined) removals.push({ action: 'displace', place, ino, trash });
      else if (!published.has(place)) removals.push({ action: 'remove', place, ino });
    }
    return removals;
  }

  #touch(path: string, local: LocalFile, record: ReplicaRecord): boolean {
    const { catalog, staging, volume } = this.#context;
    if (catalog.table.sharesInode(record, local.ino)) return false; // the other one must keep its own time
    if (!isOurs(lstatSync(volume.diskPath(local.place)))) return false; // a copy will be ours
    this.#group.checkUntouched(local.place);
    const mtimeNs = probeMtimeNs(join(staging.dir, staging.newName('touch')), record.mtime);
    this.touches.push({ action: 'touch', place: local.place, ino: local.ino, mtime: record.mtime });
    catalog.records.setLocal(path, { ...local, mtimeNs });
    return true;
  }

  /** Gets bytes ready in staging for a place. */
  async #provide(record: ReplicaRecord, place: string): Promise<LocalFile | undefined> {
    const { sha256, mtime } = record;
    const given = this.#given.get(`${sha256} ${mtime}`) ?? this.#given.get(sha256);
    const offered = given?.mtime === mtime ? undefined : this.#offered(sha256);
    let ready: Prepared | undefined;
    if (offered !== undefined && offered.mtime === mtime) {
      this.#group.useStaged(offered.staged);
      ready = offered;
    } else {
      const held = given?.mtime === mtime ? given : (offered ?? given);
      const source = held === undefined ? this.#published(record) : this.#stagedSource(held);
      if (source !== undefined) ready = await nameInStaging(this.#context, this.#group, source, record);
    }
    if (ready === undefined) return undefined;
    this.#given.set(`${sha256} ${mtime}`, ready);
    this.#given.set(sha256, ready);
    this.publishes.push({
      action: 'publish',
      place,
      staged: ready.staged,
      ino: this.#occupied.get(place) ?? null,
    });
    return { place, ino: ready.ino, mtimeNs: ready.mtimeNs };
  }

  #offered(sha256: string): Prepared | undefined {
    const offered = this.#prepared.get(sha256);
    if (offered === undefined) return undefined;
    const found = lstatSync(this.#group.stagedPath(offered.staged), { bigint: true, throwIfNoEntry: false });
    // Another job may have used it up, or somebody written to it.
    const same = String(found?.ino) === offered.ino && String(found?.mtimeNs) === offered.mtimeNs;
    return same && Number(found?.size) === offered.size ? offered : undefined;
  }

  #stagedSource({ staged, ino, size, mtimeNs, mtime }: Prepared): ContentSource {
    return { diskPath: this.#group.stagedPath(staged), place: undefined, ino, size, mtimeNs, mtime };
  }

  #published({ sha256, mtime }: ReplicaRecord): ContentSource | undefined {
    const { catalog, volume } = this.#context;
    for (const stored of this.#beforeByContent.get(sha256) ?? []) {
      if (stored.local !== undefined) this.#group.checkUntouched(stored.local.place);
      const source = sourceAt(volume, stored);
      if (source !== undefined) return source;
    }
    for (const { local } of catalog.table.withContent(sha256)) {
      if (local !== undefined) this.#group.checkUntouched(local.place);
    }
    return findSource(volume, catalog, sha256, mtime);
  }

  /** What goes is kept in the trash, unless its content lives on through this very change. */
  #discard(before: StoredRecord, why: TrashReason): void {
    const { volume, space, now, warn } = this.#context;
    if (before.local === undefined) return;
    const { record, local } = before;
    this.#group.checkUntouched(local.place);
    // What held a password is kept nowhere.
    if (isAccountPath(record.path)) return;
    const intact = sourceAt(volume, before) !== undefined;
    if (intact && (record.size === 0 || this.#secured.has(record.sha256) || space.isShort())) return;
    if (inodeAt(volume.diskPath(local.place)) !== local.ino) return; // unknown or nothing: it stays
    const id = newTrashId();
    try {
      const removal = intoTrash(volume, this.#group, local, id);
      if (removal.action === 'displace') this.#displaced.set(local.place, id);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== 'ENOENT' && errno !== 'ENOTDIR' && errno !== 'EMLINK') throw error;
      warn('a file that is deleted or replaced could not be kept in the trash', { path: record.path, errno });
      return;
    }
    this.#group.addTrash({
      id,
      path: record.path,
      sha256: intact ? record.sha256 : '',
      size: record.size,
      at: now(),
      why: intact ? why : 'damaged',
    });
  }
}
