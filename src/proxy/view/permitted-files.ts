/** The members' files with what an account may not do refused, whatever a command tries. */
import type { Rights } from '../../accounts/account.ts';
import type { Bytes } from '../../ftp/data-stream.ts';
import type { Entry } from '../../peers/protocol.ts';
import type { Outcome, Upload } from '../../peers/replica-set-api.ts';
import type { EntryPage } from '../../peers/shown-listing.ts';
import { type Change, type ClientFiles, PermissionDenied } from './client-files.ts';

/** Paths that one session has stored; the oldest are forgotten. */
const MOST_OWN = 1000;

/**
 * What this session has stored itself: cameras upload to a temporary name and rename, others set the time of what they sent.
 */
export class OwnUploads {
  readonly #paths = new Set<string>();

  add(path: string): void {
    this.#paths.delete(path);
    this.#paths.add(path);
    if (this.#paths.size <= MOST_OWN) return;
    const oldest = this.#paths.values().next();
    if (oldest.done !== true) this.#paths.delete(oldest.value);
  }

  has(path: string): boolean {
    return this.#paths.has(path);
  }

  rename(from: string, to: string): void {
    if (this.#paths.delete(from)) this.add(to);
  }
}

export function permittedFiles(files: ClientFiles, rights: Rights, own: OwnUploads): ClientFiles {
  switch (rights) {
    case 'full':
      return files;
    case 'read-only':
      return readOnlyFiles(files);
    case 'upload-only':
      return uploadOnlyFiles(files, own);
  }
}

function denied(): Promise<never> {
  return Promise.reject(new PermissionDenied());
}

function readOnlyFiles(files: ClientFiles): ClientFiles {
  return {
    ...lookingOf(files),
    list: (path, over) => files.list(path, over),
    read: (entry, offset) => files.read(entry, offset),
    parts: { find: async () => null, drop: async () => false },
    startUpload: denied,
    change: denied,
  };
}

/**
 * An upload may replace what has the same name: many cameras send `image.jpg` again and again, and the trash keeps what was
 * there. A folder looks empty instead of being refused: devices that list first give up for good on an error.
 */
function uploadOnlyFiles(files: ClientFiles, own: OwnUploads): ClientFiles {
  return {
    ...lookingOf(files),
    list: async () => nothing(),
    read: denied as (entry: Entry, offset: number) => Promise<Bytes>,
    // Deleting what is only half there would do no harm, but DELE says 550 to all else.
    parts: { find: (owner) => files.parts.find(owner), drop: (owner) => files.parts.drop(owner) },
    startUpload: async (path, options) => remembered(await files.startUpload(path, options), path, own),
    change: (operation) => uploaderChange(files, operation, own),
  };
}

function lookingOf(
  files: ClientFiles,
): Pick<ClientFiles, 'lookup' | 'lookupInFolder' | 'members' | 'freeBytes'> {
  return {
    lookup: (path) => files.lookup(path),
    lookupInFolder: (path) => files.lookupInFolder(path),
    members: () => files.members(),
    freeBytes: () => files.freeBytes(),
  };
}

async function* nothing(): AsyncGenerator<EntryPage> {}

function remembered(upload: Upload, path: string, own: OwnUploads): Upload {
  return {
    get size() {
      return upload.size;
    },
    write: (chunk, done) => upload.write(chunk, done),
    abort: (reason) => upload.abort(reason),
    keep: (as) => upload.keep(as),
    async finish() {
      const outcome = await upload.finish();
      own.add(path);
      return outcome;
    },
  };
}

async function uploaderChange(files: ClientFiles, operation: Change, own: OwnUploads): Promise<Outcome> {
  switch (operation.op) {
    case 'mkdir':
      return await files.change(operation);
    case 'rename': {
      if (!own.has(operation.from)) return await denied();
      const outcome = await files.change(operation);
      own.rename(operation.from, operation.to);
      return outcome;
    }
    case 'touch':
      return own.has(operation.path) ? await files.change(operation) : await denied();
    case 'delete':
    case 'rmdir':
      return await denied();
  }
}
