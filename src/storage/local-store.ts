/** The store's door (store-api.ts): guards what is refused outright and hands the rest to those who do it. */
import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import {
  type ChangesHeader,
  type CommitReply,
  type CommitRequest,
  type CursorReply,
  type CursorRequest,
  type Entry,
  type Hello,
  type MergeReply,
  type MergeRequest,
  PROTOCOL_VERSION,
  type RecordReply,
  type StageRequest,
} from '../peers/protocol.ts';
import { Refusal } from '../replication/operation.ts';
import type { ReplicaRecord } from '../replication/record.ts';
import { AccountsOfStore } from './accounts.ts';
import { Attic } from './attic.ts';
import { readBuckets, readChanges } from './catalog/snapshot.ts';
import { TreeReader } from './catalog/tree-reader.ts';
import { Committer } from './commit-operation.ts';
import type { Ballast } from './disk/ballast.ts';
import { openObject } from './disk/object-reader.ts';
import type { Parts } from './disk/parts.ts';
import type { PublishContext } from './disk/publish-context.ts';
import { copyPrefix } from './disk/staged-prefix.ts';
import type { ReadOnlyReason } from './disk/store-identity.ts';
import type { Trash } from './disk/trash.ts';
import type { GroupCommit } from './group-commit.ts';
import { Maintenance } from './maintenance.ts';
import { Membership, retiredReason } from './membership.ts';
import { Merger } from './merge-records.ts';
import { SHA256 } from './record-check.ts';
import type { OpenedObject, StagedFile, StagingWriter, Store, StoreOptions } from './store-api.ts';
import { DiskOfStore } from './store-disk.ts';
import type { StoreLock } from './store-lock.ts';
import { PartsOfStore } from './store-parts.ts';
import type { StoreParts } from './store-parts-api.ts';
import { ReplicaUpkeep } from './upkeep/upkeep.ts';
import type { Upkeep } from './upkeep/upkeep-api.ts';
import { WriteGuard } from './write-guard.ts';

export interface LocalStoreParts extends PublishContext {
  readonly options: StoreOptions;
  readonly lock: StoreLock;
  readonly trash: Trash;
  readonly parts: Parts;
  readonly readOnly: ReadOnlyReason;
  readonly queue: GroupCommit;
  readonly ballast: Ballast;
}

export class LocalStore implements Store {
  readonly #parts: LocalStoreParts;
  readonly upkeep: Upkeep;
  readonly #tree: TreeReader;
  readonly #committer: Committer;
  readonly #merger: Merger;
  readonly #maintenance: Maintenance | undefined;
  readonly attic: Attic;
  readonly accounts: AccountsOfStore;
  readonly members: Membership;
  readonly #boot = randomBytes(8).toString('hex');
  readonly #guard: WriteGuard;
  readonly disk: DiskOfStore;
  readonly parts: StoreParts;
  #closing: Promise<void> | undefined;

  constructor(parts: LocalStoreParts) {
    const { catalog, volume, queue, options } = parts;
    const guard = new WriteGuard(options, queue, parts.readOnly);
    this.#guard = guard;
    this.#parts = parts;
    this.#tree = new TreeReader(catalog.reader, volume, catalog.shownAt, () => catalog.openSnapshot());
    this.#committer = new Committer(parts, queue);
    this.#merger = new Merger(parts, queue);
    this.parts = new PartsOfStore(parts, guard);
    this.attic = new Attic(parts, this.#committer, (path, action) => guard.client(path, action));
    this.upkeep = new ReplicaUpkeep(parts, queue, (path, action) => guard.writing(path, action));
    this.accounts = new AccountsOfStore({
      ...{ catalog, volume },
      suspect: (path) => {
        if (this.upkeep.suspect(path)) this.disk.wantSweep();
      },
    });
    this.members = new Membership({
      ...{ catalog, queue, options },
      writing: (action) => guard.writing(undefined, action),
      mayWrite: () => !guard.stopped,
      onRetired: (reason) => this.stopWriting(reason),
    });
    this.disk = new DiskOfStore({ ...options, catalog, queue, guard, volume });
    if (this.members.isRetired(options.member)) this.stopWriting(retiredReason(options.member));
    if (guard.stopped) return;
    this.#maintenance = new Maintenance(parts);
    this.disk.goOn({
      ...parts,
      log: options.log,
      commit: (request) => this.#committer.commit(request),
    });
  }

  /** Nothing is written from now on, until a restart. `error`: why. */
  stopWriting(reason: string, error?: unknown): void {
    this.#guard.notice(error);
    this.#guard.stop(reason);
  }

  hello(): Hello {
    const { catalog, space, options } = this.#parts;
    const { store, incarnation, knowledge, change, joining } = catalog.committed;
    return {
      protocol: PROTOCOL_VERSION,
      member: options.member,
      name: options.name,
      store,
      incarnation,
      boot: this.#boot,
      knowledge,
      members: this.members.present,
      retired: this.members.lists.retired,
      joining: joining !== '',
      tree: catalog.tree.root,
      freeBytes: space.freeBytes(),
      now: options.now(),
      readOnly: this.#guard.readOnly,
      changes: change,
    };
  }

  record(path: string): RecordReply {
    return this.#tree.record(path);
  }

  list(dir: string): Iterable<Entry> {
    return this.#tree.list(dir);
  }

  listShown(dir: string): Iterable<string> {
    return this.#tree.listShown(dir);
  }

  counts(): { files: number; directories: number; bytes: number; conflicts: number; trashBytes: number } {
    const { totals, trashBytes } = this.#parts.catalog.committed;
    return { ...totals, trashBytes };
  }

  async stage({ id, prefix }: StageRequest, by: 'own process' | 'peer' = 'own process'): Promise<StagedFile> {
    const { staging, space } = this.#parts;
    return await this.#guard.writing(undefined, async () => {
      space.require(prefix?.length ?? 0);
      // With a prefix that is copied here, nobody has seen all the bytes: the commit hashes them itself.
      let size = await staging.make(id, by === 'own process' && prefix === undefined);
      if (prefix !== undefined && size === 0) {
        await copyPrefix(staging, await this.openObject(prefix.sha256), id, prefix.length);
        size = prefix.length;
      }
      return { id, diskPath: staging.path(id), size, room: space.step() };
    });
  }

  async stagedSize(id: string): Promise<number | null> {
    return await this.#parts.staging.size(id);
  }

  async writeStaging(id: string, offset: number): Promise<StagingWriter> {
    const { staging, space } = this.#parts;
    return await this.#guard.writing(undefined, () =>
      staging.write(id, offset, (bytes) => {
        space.require(bytes);
        return space.step();
      }),
    );
  }

  async openStaging(id: string): Promise<FileHandle> {
    return await this.#parts.staging.open(id);
  }

  async dropStaging(id: string): Promise<void> {
    await this.#guard.writing(undefined, () => this.#parts.staging.drop(id));
  }

  async commit(request: CommitRequest): Promise<CommitReply> {
    return await this.#guard.client(pathOf(request), () => this.#committer.commit(request));
  }

  async merge(request: MergeRequest): Promise<MergeReply> {
    return await this.#guard.writing(undefined, () => this.#merger.merge(request));
  }

  changes(after: number): { header: ChangesHeader; records: Iterable<ReplicaRecord> } {
    const { catalog } = this.#parts;
    return readChanges(catalog.file, catalog.committed, after);
  }

  get tree(): Store['tree'] {
    const { catalog } = this.#parts;
    return {
      nodes: () => catalog.tree.nodes(),
      bucketsBelow: (nodes) => catalog.tree.bucketsBelow(nodes),
      records: (buckets) => readBuckets(catalog.file, catalog.committed, buckets),
    };
  }

  cursor({ store, incarnation }: CursorRequest): CursorReply {
    return { after: this.#parts.catalog.reader.cursor(store, incarnation) };
  }

  async openObject(sha256: string): Promise<OpenedObject> {
    if (!SHA256.test(sha256)) throw new Refusal('invalid', 'not a sha256');
    const { catalog, volume, warn } = this.#parts;
    return await this.#guard.guarded(undefined, () => openObject(catalog, volume, sha256, warn));
  }

  close(): Promise<void> {
    this.#guard.close();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { queue, catalog, lock } = this.#parts;
    await this.#guard.rebuild?.stop();
    await this.#maintenance?.stop();
    try {
      await queue.finish();
      await this.disk.markEnd();
    } finally {
      catalog.close();
      lock.release();
    }
  }
}

function pathOf({ operation }: CommitRequest): string {
  return operation.op === 'rename' ? operation.to : operation.path;
}
