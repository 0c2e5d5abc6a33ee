/**
 * What a person does to look after this replica: restoring from the trash, emptying it, seeing the conflict copies.
 *
 * A restore is an ordinary put of a copy of the bytes; only when it is durable does the trash let go of its own. Emptying removes files first and rows in the next transaction: a crash in between leaves rows without files,
 * which the next start drops (Trash.adoptOrphans).
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { lstatSync, type Stats } from 'node:fs';
import type { ConflictEntry, EmptyReply, RestoreReply, TrashEntry } from '../peers/protocol-attic.ts';
import { type Operation, Refusal } from '../replication/operation.ts';
import { readConflicts, readTrash } from './catalog/attic-feeds.ts';
import type { TrashRow } from './catalog/catalog-ledger.ts';
import type { Committer } from './commit-operation.ts';
import { hashFile } from './disk/content-proof.ts';
import type { PublishContext } from './disk/publish-context.ts';
import { copyBytes } from './disk/staged-prefix.ts';
import type { Trash } from './disk/trash.ts';
import type { GroupCommit } from './group-commit.ts';
import { checkPath } from './path-check.ts';
import type { AtticStore } from './store-api.ts';
import { message } from './store-errors.ts';

export interface AtticParts extends PublishContext {
  readonly trash: Trash;
  readonly queue: GroupCommit;
}

/** Refuses or runs what writes; see LocalStore. */
type Writing = <T>(path: string | undefined, action: () => Promise<T>) => Promise<T>;

export class Attic implements AtticStore {
  readonly #parts: AtticParts;
  readonly #committer: Committer;
  readonly #writing: Writing;

  constructor(parts: AtticParts, committer: Committer, writing: Writing) {
    this.#parts = parts;
    this.#committer = committer;
    this.#writing = writing;
  }

  trash(): Iterable<TrashEntry> {
    const { catalog, trash } = this.#parts;
    return readTrash(catalog.file, (id) => !trash.isGone(id));
  }

  conflicts(): Iterable<ConflictEntry> {
    const { catalog } = this.#parts;
    return readConflicts(catalog.file);
  }

  async restore({ id, to, replace = false }: Parameters<AtticStore['restore']>[0]): Promise<RestoreReply> {
    const { trash } = this.#parts;
    return await this.#writing(to, async () => {
      if (!trash.hold(id)) throw new Refusal('busy', 'it is being restored already');
      try {
        return await this.#restore(this.#row(id), to, replace);
      } finally {
        trash.release(id);
      }
    });
  }

  async empty(before?: number): Promise<EmptyReply> {
    const { trash, queue, now } = this.#parts;
    const until = Math.min(before ?? Number.MAX_SAFE_INTEGER, now() + 1);
    return await this.#writing(undefined, async () => {
      const all = { files: 0, bytes: 0 };
      // Each batch makes the rows of the one before go; the last one finds nothing any more.
      for (let more = true; more; ) {
        const { files, bytes } = await queue.run({
          path: undefined,
          execute: async () => trash.removeBatch(until),
        });
        all.files += files;
        all.bytes += bytes;
        more = files > 0;
      }
      return all;
    });
  }

  #row(id: string): TrashRow {
    const { catalog, trash } = this.#parts;
    const row = trash.isGone(id) ? undefined : catalog.ledger.trash(id);
    if (row === undefined) throw new Refusal('not-found', 'nothing in the trash has that id');
    return row;
  }

  async #restore(row: TrashRow, to: string | undefined, replace: boolean): Promise<RestoreReply> {
    const { catalog, trash, queue, warn } = this.#parts;
    const { id } = row;
    const path = to ?? row.path;
    if (path === '') {
      throw new Refusal('invalid', 'nobody knows any more where it was: say where it shall go');
    }
    checkPath(path, this.#parts.volume.filesDir);
    // Said before gigabytes are copied; the commit looks again.
    if (!replace && catalog.reader.get(path)?.kind === 'file') {
      throw new Refusal('exists', 'there is such a file', { path });
    }
    const found = lstatSync(trash.diskPath(id), { throwIfNoEntry: false });
    if (found === undefined) throw new Refusal('not-found', 'its file is gone from the trash');
    if (!found.isFile()) {
      const where = trash.diskPath(id);
      throw new Refusal(
        'invalid',
        `it is no file but a folder or a link: take what you need out of ${where}`,
      );
    }
    await this.#put(row, path, found, replace);
    try {
      await queue.run({ path: undefined, execute: async () => trash.remove(id) });
      await queue.run({ path: undefined, execute: async () => undefined });
    } catch (error) {
      warn('what was restored is still in the trash', { path, trash: id, error: message(error) });
    }
    return { path, size: found.size };
  }

  /** From a copy in staging: made and proven before the one writer is busy with it. */
  async #put(row: TrashRow, path: string, { size, mtimeMs }: Stats, replace: boolean): Promise<void> {
    const { staging, space, trash } = this.#parts;
    const staged = `restore-${randomBytes(12).toString('hex')}`;
    try {
      space.require(size, path);
      await staging.make(staged, false);
      await copyBytes(trash.diskPath(row.id), staging.path(staged), size);
      const sha256 = row.sha256 === '' ? await hashFile(staging.path(staged)) : row.sha256;
      const mtime = Math.floor(mtimeMs);
      const operation: Operation = { op: 'put', path, size, sha256, mtime, exclusive: !replace };
      await this.#committer.commit({ id: randomUUID(), operation, content: { staged } });
    } catch (error) {
      await staging.drop(staged);
      if (!(error instanceof Refusal) || error.kind !== 'hash-mismatch') throw error;
      // From now on nobody takes these bytes for what they were; who wants them all the same may ask again.
      await this.#note({ ...row, sha256: '', why: 'damaged' });
      const text =
        'its bytes have changed in the trash (a failing disk?), so nothing was restored; ask once more to get it as it is now';
      throw new Refusal('hash-mismatch', text, { path, cause: error });
    }
  }

  async #note(row: TrashRow): Promise<void> {
    const { catalog, queue } = this.#parts;
    await queue.run({ path: undefined, execute: async () => catalog.ledger.addTrash(row) });
  }
}
