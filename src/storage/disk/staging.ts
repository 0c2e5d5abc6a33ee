/**
 * `.cloudroid/staging`: bytes that nobody sees yet. Names: the id of an upload, `sha-<sha256>` for pulled content,
 * `link-`/`copy-`/`inline-` made by a commit, `batch-` for long answers.
 *
 * What makes bytes publishable is a proof: a process of this member has seen them and computed their hash, and since
 * then inode, size and modification time are the same.
 */
import { hash, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, futimesSync, openSync } from 'node:fs';
import { type FileHandle, open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../../replication/operation.ts';
import { failpoint } from '../../system/failpoint.ts';
import { isPlanted } from '../../system/planted-bug.ts';
import type { StagingWriter } from '../store-api.ts';
import { errnoOf, FlushFailed } from '../store-errors.ts';
import { closeAccount, modeFor } from './account-mode.ts';
import { ClaimedNames } from './claimed-names.ts';
import { hashFile, openStaged, type Proof, proofOf, type WantedContent } from './content-proof.ts';
import { flush, writeAll } from './file-steps.ts';
import { flushDirectory } from './flush-directories.ts';
import { SharedFlush } from './shared-flush.ts';
import { type Reserve, StagedWriter } from './staged-writer.ts';

/** Flushed bytes with a known hash, ready to be renamed into place. */
export interface Prepared {
  /** Name in the staging directory. */
  readonly staged: string;
  readonly sha256: string;
  readonly size: number;
  readonly ino: string;
  /** Milliseconds as the record says. */
  readonly mtime: number;
  readonly mtimeNs: string;
}

const ID = /^[A-Za-z0-9_-]{8,80}$/;
const OWN = /^(?:link|copy|inline|touch)-/;

export class Staging {
  readonly dir: string;
  readonly #names: SharedFlush;
  readonly #proofs = new Map<string, Proof>();
  /** Handed out by path and not written through this process since: the member's own process writes and hashes them. */
  readonly #direct = new Set<string>();
  readonly #writing = new Set<string>();
  readonly claims = new ClaimedNames();

  constructor(dir: string) {
    this.dir = dir;
    this.#names = new SharedFlush(() => flushDirectory(dir));
  }

  path(id: string): string {
    if (!ID.test(id)) throw new Refusal('invalid', 'not a staging id');
    return join(this.dir, id);
  }

  newName(kind: 'link' | 'copy' | 'inline' | 'batch' | 'touch'): string {
    return `${kind}-${randomBytes(12).toString('hex')}`;
  }

  /** Makes the file unless it is there; returns its size. `direct`: its path is handed out to be written to. */
  async make(id: string, direct: boolean): Promise<number> {
    if (OWN.test(id)) throw new Refusal('invalid', 'a reserved staging id');
    if (direct) this.#requireUnclaimed(id);
    const handle = await open(this.path(id), 'a');
    try {
      if (direct) this.#direct.add(id);
      else this.#direct.delete(id);
      return (await handle.stat()).size;
    } finally {
      await handle.close();
    }
  }

  async size(id: string): Promise<number | null> {
    try {
      return (await stat(this.path(id))).size;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  async write(id: string, offset: number, reserve: Reserve): Promise<StagingWriter> {
    if (OWN.test(id)) throw new Refusal('invalid', 'a reserved staging id');
    this.take(id);
    this.#writing.add(id);
    try {
      return await StagedWriter.open(this.path(id), offset, reserve, (proof) => {
        this.#writing.delete(id);
        if (proof !== undefined) this.#proofs.set(id, proof);
      });
    } catch (error) {
      this.#writing.delete(id);
      throw error;
    }
  }

  async open(id: string): Promise<FileHandle> {
    try {
      return await open(this.path(id), 'r');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT')
        throw new Refusal('not-found', 'no such staged file', { cause: error });
      throw error;
    }
  }

  /** For somebody who makes, takes away or changes the file: no commit may be resting on it, nothing is known of it then. */
  take(id: string): string {
    if (this.#writing.has(id)) throw new Refusal('busy', 'this upload is already being written');
    this.#requireUnclaimed(id);
    this.forget(id);
    return this.path(id);
  }

  #requireUnclaimed(id: string): void {
    if (this.claims.has(id)) throw new Refusal('busy', 'this upload is being stored');
  }

  /** What a commit is about to publish stays, whoever asks: its transaction may be durable already. */
  async drop(id: string): Promise<void> {
    if (this.claims.has(id)) return;
    this.forget(id);
    try {
      await unlink(this.path(id));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }

  /** The name has been renamed away or removed. */
  forget(id: string): void {
    this.#proofs.delete(id);
    this.#direct.delete(id);
  }

  /** Writes a long answer. */
  async writeBatch(bytes: Uint8Array): Promise<string> {
    const id = this.newName('batch');
    const handle = await open(this.path(id), 'wx');
    try {
      await handle.writeFile(bytes);
    } catch (error) {
      await this.drop(id);
      throw error;
    } finally {
      await handle.close();
    }
    return id;
  }

  /**
   * Proves, dates and flushes a staged file. `trustDirect`: the hash is named by the member's own process that wrote the
   * file. Throws Refusal missing-content, hash-mismatch, busy; FlushFailed.
   */
  async prepare(id: string, wanted: WantedContent, trustDirect: boolean): Promise<Prepared> {
    const path = this.path(id);
    if (this.#writing.has(id)) throw new Refusal('busy', 'this upload is still being written');
    const file = openStaged(path);
    try {
      const found = fstatSync(file, { bigint: true });
      if (Number(found.size) !== wanted.size) {
        throw new Refusal('hash-mismatch', `the staged file has ${found.size} bytes, not ${wanted.size}`);
      }
      const known = this.#proofs.get(id);
      const proven =
        known !== undefined && known.ino === String(found.ino) && known.mtimeNs === String(found.mtimeNs);
      const sha256 = proven
        ? known.sha256
        : trustDirect && this.#direct.has(id)
          ? wanted.sha256
          : await hashFile(path);
      if (sha256 !== wanted.sha256) {
        throw new Refusal('hash-mismatch', `the staged file has sha256 ${sha256}, not ${wanted.sha256}`);
      }
      return await this.#makeDurable(id, file, wanted);
    } finally {
      closeSync(file);
    }
  }

  /** The same for small contents that came inside the request. */
  async prepareInline(bytes: Uint8Array, wanted: Omit<WantedContent, 'size'>): Promise<Prepared> {
    const sha256 = hash('sha256', bytes);
    if (sha256 !== wanted.sha256) {
      throw new Refusal('hash-mismatch', `the inline content has sha256 ${sha256}, not ${wanted.sha256}`);
    }
    const id = this.newName('inline');
    // At once: for a few kilobytes in the page cache a thread costs more than the work.
    const file = openSync(this.path(id), 'wx', modeFor(wanted.path));
    try {
      writeAll(file, bytes);
      failpoint('commit:staged');
      return await this.#makeDurable(id, file, wanted);
    } catch (error) {
      await this.drop(id);
      throw error;
    } finally {
      closeSync(file);
    }
  }

  /** True until a commit has moved the file into place, or it was dropped. */
  holds(id: string): boolean {
    return this.#proofs.has(id);
  }

  /** Dates and flushes bytes and name, both at once. */
  async #makeDurable(id: string, file: number, proven: Omit<WantedContent, 'size'>): Promise<Prepared> {
    const { path, sha256, mtime } = proven;
    closeAccount(file, path);
    futimesSync(file, mtime / 1000, mtime / 1000);
    const flushed = isPlanted('reply before fsync') ? Promise.resolve() : flush(file);
    const [synced, named] = await Promise.allSettled([flushed, this.#names.flush()]);
    if (synced.status === 'rejected') {
      // Of these bytes nothing is promised yet. They go, because a second flush would not tell what the first has lost.
      const full = ['ENOSPC', 'EDQUOT'].includes(errnoOf(synced.reason) ?? '');
      if (!full) throw new FlushFailed(this.path(id), synced.reason);
      await unlink(this.path(id));
      this.forget(id);
      throw synced.reason;
    }
    if (named.status === 'rejected') throw named.reason;
    const proof = proofOf(sha256, fstatSync(file, { bigint: true }));
    this.#proofs.set(id, proof);
    return { staged: id, ...proof, mtime };
  }

  /** Removes what nobody came back for. `keep`: names that intents still need. */
  async sweep(olderThan: number, keep: ReadonlySet<string>): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.dir)) {
      if (keep.has(name) || this.#writing.has(name) || this.claims.has(name)) continue;
      const found = await stat(join(this.dir, name));
      if (!found.isFile() || Math.max(found.mtimeMs, found.ctimeMs) >= olderThan) continue;
      this.forget(name);
      await unlink(join(this.dir, name));
      removed += 1;
    }
    return removed;
  }
}
