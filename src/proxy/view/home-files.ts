/**
 * A user's home folder as `/`. Paths are mapped on the way in, entries and refusals on the way out, so that nothing outside can
 * be named and the real path is told to nobody. What comes in was normalised (ftp/virtual-path.ts): `..` is not in it.
 */
import type { Bytes } from '../../ftp/data-stream.ts';
import type { Entry } from '../../peers/protocol.ts';
import type { PartOwner } from '../../peers/protocol-parts.ts';
import type {
  InFolder,
  KeepAs,
  Outcome,
  PartsOfUploads,
  Upload,
  UploadOptions,
} from '../../peers/replica-set-api.ts';
import type { EntryPage } from '../../peers/shown-listing.ts';
import { Refusal } from '../../replication/operation.ts';
import type { Change, ClientFiles } from './client-files.ts';

export class HomeFiles implements ClientFiles {
  readonly #files: ClientFiles;
  readonly #home: string;
  readonly parts: PartsOfUploads;

  /** `home`: absolute, normalised, not `/`. */
  constructor(files: ClientFiles, home: string) {
    this.#files = files;
    this.#home = home;
    this.parts = {
      find: (owner) => this.#told(() => files.parts.find(this.#owner(owner))),
      drop: (owner) => this.#told(() => files.parts.drop(this.#owner(owner))),
    };
  }

  #real(path: string): string {
    return path === '/' ? this.#home : this.#home + path;
  }

  /** Undefined for what is not the user's business. */
  #shown(path: string | undefined): string | undefined {
    if (path === this.#home) return '/';
    return path?.startsWith(`${this.#home}/`) ? path.slice(this.#home.length) : undefined;
  }

  #owner(owner: PartOwner): PartOwner {
    return { ...owner, path: this.#real(owner.path) };
  }

  #entry(entry: Entry): Entry {
    return { ...entry, path: this.#shown(entry.path) ?? '/' };
  }

  #realEntry(entry: Entry): Entry {
    return { ...entry, path: this.#real(entry.path) };
  }

  #refusal(error: unknown): unknown {
    if (!(error instanceof Refusal)) return error;
    const path = this.#shown(error.path);
    return new Refusal(error.kind, error.message, { cause: error, ...(path !== undefined && { path }) });
  }

  async #told<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  async lookup(path: string): Promise<Entry | null> {
    const entry = await this.#told(() => this.#files.lookup(this.#real(path)));
    return entry === null ? null : this.#entry(entry);
  }

  async lookupInFolder(path: string): Promise<InFolder> {
    const { entry, folder } = await this.#told(() => this.#files.lookupInFolder(this.#real(path)));
    return { entry: entry && this.#entry(entry), folder: folder && this.#entry(folder) };
  }

  async list(path: string, over?: AbortSignal): Promise<AsyncIterable<EntryPage>> {
    const entries = await this.#told(() => this.#files.list(this.#real(path), over));
    return this.#shownEntries(entries);
  }

  async *#shownEntries(pages: AsyncIterable<EntryPage>): AsyncGenerator<EntryPage> {
    try {
      for await (const page of pages) yield page.map((entry) => this.#entry(entry));
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  async read(entry: Entry, offset: number): Promise<Bytes> {
    return await this.#told(() => this.#files.read(this.#realEntry(entry), offset));
  }

  async startUpload(path: string, options: UploadOptions = {}): Promise<Upload> {
    const { prefix, part, ...others } = options;
    const upload = await this.#told(() =>
      this.#files.startUpload(this.#real(path), {
        ...others,
        ...(prefix !== undefined && { prefix: { ...prefix, entry: this.#realEntry(prefix.entry) } }),
        ...(part !== undefined && { part: { ...part, owner: this.#owner(part.owner) } }),
      }),
    );
    return {
      get size() {
        return upload.size;
      },
      write: (chunk, done) => this.#told(() => upload.write(chunk, done)),
      finish: () => this.#told(() => upload.finish()),
      abort: (reason) => this.#told(() => upload.abort(reason)),
      keep: (as: KeepAs) => this.#told(() => upload.keep({ ...as, owner: this.#owner(as.owner) })),
    };
  }

  async change(operation: Change): Promise<Outcome> {
    const real: Change =
      operation.op === 'rename'
        ? { ...operation, from: this.#real(operation.from), to: this.#real(operation.to) }
        : { ...operation, path: this.#real(operation.path) };
    return await this.#told(() => this.#files.change(real));
  }

  members(): ReturnType<ClientFiles['members']> {
    return this.#files.members();
  }

  async freeBytes(): Promise<number> {
    return await this.#files.freeBytes();
  }
}
