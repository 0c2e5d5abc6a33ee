/**
 * A real disk behind the ReplicaSet interface: one directory, one member. Uploads are staged beside it and renamed into
 * place. For tests of the gateway alone; the real members are tested in test/network/.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  utimes,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Entry } from '../../src/peers/protocol.ts';
import type { AccountsReply, Usage } from '../../src/peers/protocol-accounts.ts';
import type { MemberStatus } from '../../src/peers/protocol-reports.ts';
import type {
  InFolder,
  KeepAs,
  Outcome,
  ReplicaSet,
  Upload,
  UploadOptions,
} from '../../src/peers/replica-set-api.ts';
import { Refusal, type RefusalKind } from '../../src/replication/operation.ts';
import { DirectoryParts } from './directory-parts.ts';

const KINDS: { readonly [code: string]: RefusalKind } = {
  ENOENT: 'not-found',
  EEXIST: 'exists',
  ENOTDIR: 'not-a-directory',
  EISDIR: 'is-a-directory',
  ENOTEMPTY: 'not-empty',
  ENOSPC: 'no-space',
};

function refusal(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  const kind = code === undefined ? undefined : KINDS[code];
  return kind === undefined ? error : new Refusal(kind, String(error), { path, cause: error });
}

export interface Faults {
  /** Every write of an upload takes this long. */
  writeDelayMs: number;
  /** The commit takes this long. */
  commitDelayMs: number;
  /** Thrown by every method. */
  failure: Error | null;
  /** Announced uploads above this are refused. */
  freeBytes: number;
  acknowledged: boolean;
  /** A read breaks after so many bytes. */
  readBreaksAfter: number;
}

export class DirectoryReplicas implements ReplicaSet {
  readonly files: string;
  readonly #staging: string;
  readonly parts: DirectoryParts;
  readonly faults: Faults = {
    writeDelayMs: 0,
    commitDelayMs: 0,
    failure: null,
    freeBytes: Number.MAX_SAFE_INTEGER,
    acknowledged: true,
    readBreaksAfter: Number.POSITIVE_INFINITY,
  };
  /** Uploads begun and not ended. */
  openUploads = 0;
  /** What the gateway asked to keep. */
  readonly keptAs: KeepAs[] = [];

  private constructor(root: string) {
    this.files = join(root, 'files');
    this.#staging = join(root, 'staging');
    this.parts = new DirectoryParts(join(root, 'parts'));
  }

  static async create(root: string): Promise<DirectoryReplicas> {
    const replicas = new DirectoryReplicas(root);
    await mkdir(replicas.files, { recursive: true });
    await mkdir(replicas.#staging, { recursive: true });
    return replicas;
  }

  #disk(path: string): string {
    if (this.faults.failure !== null) throw this.faults.failure;
    return join(this.files, path);
  }

  async lookupInFolder(path: string): Promise<InFolder> {
    const folder = path.slice(0, path.lastIndexOf('/')) || '/';
    return { entry: await this.lookup(path), folder: await this.lookup(folder) };
  }

  async lookup(path: string): Promise<Entry | null> {
    try {
      const stats = await stat(this.#disk(path));
      const mtime = Math.floor(stats.mtimeMs);
      if (stats.isDirectory()) return { path, kind: 'directory', size: 0, sha256: '', mtime };
      const sha256 =
        stats.size > 64 * 1024 * 1024 ? '0'.repeat(64) : hashOf(await readFile(this.#disk(path)));
      return { path, kind: 'file', size: stats.size, sha256, mtime };
    } catch (error) {
      const known = refusal(error, path);
      if (known instanceof Refusal && (known.kind === 'not-found' || known.kind === 'not-a-directory'))
        return null;
      throw known;
    }
  }

  async list(path: string): Promise<AsyncIterable<readonly Entry[]>> {
    const names = await readdir(this.#disk(path)).catch((error: unknown) => {
      throw refusal(error, path);
    });
    const lookup = (name: string) => this.lookup(path === '/' ? `/${name}` : `${path}/${name}`);
    return (async function* () {
      for (const name of names) {
        const entry = await lookup(name);
        if (entry !== null) yield [entry];
      }
    })();
  }

  async read(entry: Entry, offset: number): Promise<Readable> {
    const end = Math.min(entry.size, this.faults.readBreaksAfter);
    const stream = createReadStream(this.#disk(entry.path), { start: offset, highWaterMark: 512 * 1024 });
    let sent = offset;
    stream.on('data', (chunk) => {
      sent += chunk.length;
      if (sent > end) stream.destroy(new Refusal('hash-mismatch', 'the bytes are not those of the record'));
    });
    stream.pause();
    return stream;
  }

  async startUpload(path: string, options: UploadOptions = {}): Promise<Upload> {
    const target = this.#disk(path);
    if ((options.announcedBytes ?? 0) > this.faults.freeBytes)
      throw new Refusal('no-space', 'too big', { path });
    const staged = join(this.#staging, randomUUID());
    const handle = await open(staged, 'wx');
    let size = 0;
    if (options.prefix !== undefined) {
      const prefix = (await readFile(this.#disk(options.prefix.entry.path))).subarray(
        0,
        options.prefix.length,
      );
      await handle.write(prefix);
      size = prefix.length;
    }
    if (options.part !== undefined) {
      const { found, length } = options.part;
      await handle.write((await readFile(found.diskPath)).subarray(0, length));
      size = length;
    }
    this.openUploads += 1;
    return new StagedUpload(this, {
      handle,
      staged,
      target,
      path,
      size,
      exclusive: options.exclusive === true,
    });
  }

  async change(operation: Parameters<ReplicaSet['change']>[0]): Promise<Outcome> {
    try {
      switch (operation.op) {
        case 'delete': {
          if ((await stat(this.#disk(operation.path))).isDirectory())
            throw new Refusal('is-a-directory', 'dir');
          await rm(this.#disk(operation.path));
          return this.outcome('Deleted');
        }
        case 'mkdir':
          await mkdir(this.#disk(operation.path));
          return this.outcome('Created');
        case 'rmdir':
          await rmdir(this.#disk(operation.path));
          return this.outcome('Deleted');
        case 'rename':
          await rename(this.#disk(operation.from), this.#disk(operation.to));
          return this.outcome('Renamed');
        case 'touch':
          await utimes(this.#disk(operation.path), operation.mtime / 1000, operation.mtime / 1000);
          return this.outcome('Changed');
      }
    } catch (error) {
      throw refusal(error, operation.op === 'rename' ? operation.from : operation.path);
    }
  }

  /** By name; kept in memory. */
  readonly accountTexts = new Map<string, string>();
  #accountChanges = 0;

  async accounts(digest: string): Promise<AccountsReply> {
    if (this.faults.failure !== null) throw this.faults.failure;
    const now = this.#accountChanges === 0 ? '' : `change ${this.#accountChanges}`;
    const accounts = [...this.accountTexts].sort().map(([name, text]) => ({ name, text }));
    return { digest: now, complete: true, accounts: digest === now ? null : accounts };
  }

  async setAccount(name: string, text: string | null): Promise<Outcome> {
    if (this.faults.failure !== null) throw this.faults.failure;
    if (text === null && !this.accountTexts.delete(name)) throw new Refusal('not-found', 'no such file');
    if (text !== null) this.accountTexts.set(name, text);
    this.#accountChanges += 1;
    return this.outcome(text === null ? 'Removed' : 'Stored');
  }

  async usage(path: string): Promise<Usage> {
    const sum = { bytes: 0, files: 0 };
    const found = await readdir(this.#disk(path), { recursive: true, withFileTypes: true }).catch(() => []);
    for (const each of found.filter((entry) => entry.isFile())) {
      sum.bytes += (await stat(join(each.parentPath, each.name))).size;
      sum.files += 1;
    }
    return sum;
  }

  outcome(verb: string): Outcome {
    const { acknowledged } = this.faults;
    return { acknowledged, stored: 1, total: 1, sentence: `${verb} (1 of 1 members).` };
  }

  members(): readonly MemberStatus[] {
    return [
      {
        name: 'one',
        member: 'one-0000',
        address: 'this member',
        state: 'in step',
        reason: null,
        lastSeenAt: null,
      },
      {
        name: 'two',
        member: null,
        address: '10.0.0.2:6001',
        state: 'away',
        reason: 'no route',
        lastSeenAt: null,
      },
    ];
  }

  async freeBytes(): Promise<number> {
    if (this.faults.failure !== null) throw this.faults.failure;
    return this.faults.freeBytes;
  }

  async stagedFiles(): Promise<string[]> {
    return await readdir(this.#staging);
  }

  async close(): Promise<void> {}
}

interface Staged {
  readonly handle: FileHandle;
  readonly staged: string;
  readonly target: string;
  readonly path: string;
  readonly size: number;
  readonly exclusive: boolean;
}

class StagedUpload implements Upload {
  readonly #replicas: DirectoryReplicas;
  readonly #at: Staged;
  #state: 'open' | 'finished' | 'aborted' = 'open';
  size: number;

  constructor(replicas: DirectoryReplicas, at: Staged) {
    this.#replicas = replicas;
    this.#at = at;
    this.size = at.size;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#state !== 'open') throw new Refusal('busy', 'the upload is over');
    if (this.#replicas.faults.writeDelayMs > 0) await delay(this.#replicas.faults.writeDelayMs);
    await this.#at.handle.write(chunk);
    this.size += chunk.length;
  }

  async finish(): Promise<Outcome> {
    if (this.#state !== 'open') throw new Refusal('busy', 'the upload is over');
    this.#end('finished');
    await delay(this.#replicas.faults.commitDelayMs);
    await this.#at.handle.close();
    if (this.#at.exclusive && (await this.#replicas.lookup(this.#at.path)) !== null) {
      await rm(this.#at.staged);
      throw new Refusal('exists', 'taken', { path: this.#at.path });
    }
    await rename(this.#at.staged, this.#at.target).catch((error: unknown) => {
      throw refusal(error, this.#at.path);
    });
    return this.#replicas.outcome('Stored');
  }

  async keep(as: KeepAs): Promise<boolean> {
    if (this.#state !== 'open') return false;
    const bytes = (await readFile(this.#at.staged)).subarray(0, -1);
    this.#replicas.keptAs.push(as);
    if (bytes.length > this.#at.size) await this.#replicas.parts.keep(as, bytes);
    await this.abort();
    return bytes.length > this.#at.size;
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#end('aborted');
    await this.#at.handle.close();
    await rm(this.#at.staged);
  }

  #end(state: 'finished' | 'aborted'): void {
    this.#state = state;
    this.#replicas.openUploads -= 1;
  }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
