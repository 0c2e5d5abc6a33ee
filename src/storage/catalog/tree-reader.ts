/** The tree as users see it (replication/tree-view.ts says what it is), answered by index look-ups. */
import type { Entry, RecordReply } from '../../peers/protocol.ts';
import { Refusal } from '../../replication/operation.ts';
import type { ReplicaRecord } from '../../replication/record.ts';
import type { Volume } from '../disk/volume.ts';
import type { RecordReader } from './record-reader.ts';
import type { StoredRecord } from './record-row.ts';

const PAGE = 1000;

export interface Snapshot {
  readonly table: RecordReader;
  close(): void;
}

export class TreeReader {
  readonly #table: RecordReader;
  readonly #shownAt: (record: ReplicaRecord) => string;
  readonly #volume: Volume;

  readonly #openSnapshot: (() => Snapshot) | undefined;

  /** `openSnapshot`: another reader, of one moment however slowly it is read; absent: `table` is one. */
  constructor(
    table: RecordReader,
    volume: Volume,
    shownAt: (record: ReplicaRecord) => string,
    openSnapshot?: () => Snapshot,
  ) {
    this.#table = table;
    this.#volume = volume;
    this.#shownAt = shownAt;
    this.#openSnapshot = openSnapshot;
  }

  record(path: string): RecordReply {
    if (path === '/') return { entry: implied('/'), record: null };
    const own = this.#table.stored(path);
    const record = own?.record ?? null;
    if (this.#table.hasLiveDescendant(path)) {
      return { entry: own?.record.kind === 'directory' ? entryOf(own.record, path) : implied(path), record };
    }
    if (own !== undefined && own.record.kind !== 'tombstone') {
      return { entry: entryOf(own.record, path), record, ...this.#disk(own) };
    }
    const shadowed = this.#table.shadowedAt(path);
    if (shadowed === undefined) return { entry: null, record };
    return { entry: entryOf(shadowed.record, path), record, ...this.#disk(shadowed) };
  }

  /**
   * Of one moment: a folder that is renamed meanwhile is shown whole or not at all. Throws not-found, not-a-directory now,
   * not at the first entry. A long one is read a page at a time, so that waiting is free.
   */
  list(dir: string): Iterable<Entry> {
    return this.#listed(dir, (reader) => reader.#entries(dir));
  }

  /** The same for those who only show it: JSON texts of `[name, 1 for a file, size, mtime, sha256]`, a page each. */
  listShown(dir: string): Iterable<string> {
    return this.#listed(dir, (reader) => reader.#shownPages(dir));
  }

  #listed<T>(dir: string, read: (reader: TreeReader) => Iterable<T>): Iterable<T> {
    const { entry } = this.record(dir);
    if (entry === null) throw new Refusal('not-found', 'no such directory', { path: dir });
    if (entry.kind !== 'directory') throw new Refusal('not-a-directory', 'not a directory', { path: dir });
    const isShort =
      this.#table.shownPage(dir, '', PAGE).number < PAGE &&
      this.#table.impliedPage(dir, '', PAGE).length < PAGE;
    // All in this turn of the event loop, so nothing is committed in between.
    if (isShort || this.#openSnapshot === undefined) return [...read(this)];
    return this.#longListing(this.#openSnapshot, read);
  }

  *#longListing<T>(openSnapshot: () => Snapshot, read: (reader: TreeReader) => Iterable<T>): Iterable<T> {
    const snapshot = openSnapshot();
    try {
      yield* read(new TreeReader(snapshot.table, this.#volume, this.#shownAt));
    } finally {
      snapshot.close();
    }
  }

  *#shownPages(dir: string): Iterable<string> {
    const implied = this.#implied(dir);
    if (!implied.next().done) {
      for (const page of pagesOf(this.#entries(dir))) yield shownText(page);
      return;
    }
    for (let after = '', more = true; more; ) {
      const page = this.#table.shownPage(dir, after, PAGE);
      if (page.shadowed) yield shownText(this.#shownRecords(this.#table.page(dir, after, PAGE)));
      else if (page.number > 0) yield page.entries;
      after = page.last;
      more = page.number === PAGE;
    }
  }

  /** By path, but for files that are shown elsewhere. */
  *#entries(dir: string): Iterable<Entry> {
    const implied = this.#implied(dir);
    let between = implied.next();
    for (let after = '', more = true; more; ) {
      const page = this.#table.page(dir, after, PAGE);
      for (const entry of this.#shownRecords(page)) {
        for (; between.done !== true && between.value.path < entry.path; between = implied.next())
          yield between.value;
        yield entry;
      }
      after = page.at(-1)?.stored.record.path ?? after;
      more = page.length === PAGE;
    }
    for (; between.done !== true; between = implied.next()) yield between.value;
  }

  *#shownRecords(page: ReturnType<RecordReader['page']>): Iterable<Entry> {
    for (const { stored, parental } of page) {
      const { record } = stored;
      if (record.kind !== 'file' || !parental) yield entryOf(record, record.path);
      else if (this.#isShown(record)) yield entryOf(record, this.#shownAt(record));
    }
  }

  /** Directories that exist only because something is in them: hardly ever any. */
  *#implied(dir: string): Generator<Entry, void, undefined> {
    for (let after = '', more = true; more; ) {
      const page = this.#table.impliedPage(dir, after, PAGE);
      yield* page.map(implied);
      after = page.at(-1) ?? after;
      more = page.length === PAGE;
    }
  }

  /** False when something else has taken the conflict name of a shadowed file. */
  #isShown(record: ReplicaRecord): boolean {
    return this.record(this.#shownAt(record)).entry?.record?.path === record.path;
  }

  #disk({ record, local }: StoredRecord): Pick<RecordReply, 'disk'> {
    if (local === undefined) return {};
    return {
      disk: {
        path: this.#volume.diskPath(local.place),
        ino: local.ino,
        size: record.size,
        mtimeNs: local.mtimeNs,
      },
    };
  }
}

function entryOf(record: ReplicaRecord, path: string): Entry {
  const { size, sha256, mtime } = record;
  return { path, kind: record.kind === 'file' ? 'file' : 'directory', size, sha256, mtime, record };
}

function implied(path: string): Entry {
  return { path, kind: 'directory', size: 0, sha256: '', mtime: 0 };
}

function* pagesOf(entries: Iterable<Entry>): Iterable<readonly Entry[]> {
  let page: Entry[] = [];
  for (const entry of entries) {
    page.push(entry);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

function shownText(entries: Iterable<Entry>): string {
  const rows = [...entries].map(({ path, kind, size, mtime, sha256 }) => [
    path.slice(path.lastIndexOf('/') + 1),
    kind === 'file' ? 1 : 0,
    size,
    mtime,
    sha256,
  ]);
  return JSON.stringify(rows);
}
