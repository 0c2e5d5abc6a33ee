/** A replica looking after itself: damage out of the way, bytes back, edits from outside taken over. The store's door to it. */
import {
  type Adoption,
  type AdoptionOutcome,
  type DamageReport,
  FILES_PAGE,
  type FileOnDisk,
  type Forgotten,
  type PlacedEntry,
  type Unknown,
} from '../../peers/protocol-upkeep.ts';
import type { StoredRecord } from '../catalog/record-row.ts';
import type { PublishContext } from '../disk/publish-context.ts';
import type { GroupCommit } from '../group-commit.ts';
import { adopt } from './adopt.ts';
import { discardUnknown, quarantine } from './damage.ts';
import { endForgotten } from './forget.ts';
import { remakeFolder, repair } from './repair.ts';
import type { Noted, Upkeep } from './upkeep-api.ts';

const STATE = 'upkeep';
const FRESH: Omit<Noted, 'missing'> = {
  walkedAt: null,
  scrubbedAt: null,
  scrubStartedAt: null,
  scrubAfter: '',
  scrubbedBytes: 0,
};
const PAGE = 1000;
/** Enough to look at in one round. */
const MAX_SUSPECTS = 1000;

/** What writes: refused when the store is read-only or closing. */
export type Writing = <T>(path: string | undefined, action: () => Promise<T>) => Promise<T>;

export class ReplicaUpkeep implements Upkeep {
  readonly #context: PublishContext;
  readonly #queue: GroupCommit;
  readonly #writing: Writing;
  #suspects = new Set<string>();
  /** Files set aside as damaged that were looked at once more. */
  readonly #examined = new Set<string>();

  constructor(context: PublishContext, queue: GroupCommit, writing: Writing) {
    this.#context = context;
    this.#queue = queue;
    this.#writing = writing;
  }

  files(after: string): FileOnDisk[] {
    return this.#context.catalog.reader.filesAfter(after, FILES_PAGE).map(onDisk);
  }

  missing(after: string): FileOnDisk[] {
    return this.#context.catalog.reader.missingFiles(after, FILES_PAGE).map(onDisk);
  }

  *folder(dir: string): Iterable<PlacedEntry> {
    const { reader } = this.#context.catalog;
    for (let after = '', more = true; more; ) {
      const page = reader.page(dir, after, PAGE);
      for (const { stored } of page) {
        const { record } = stored;
        if (record.kind === 'directory') yield { kind: 'directory', path: record.path };
        else yield { kind: 'file', ...onDisk(stored) };
      }
      after = page.at(-1)?.stored.record.path ?? after;
      more = page.length === PAGE;
    }
    for (let after = '', more = true; more; ) {
      const page = reader.impliedPage(dir, after, PAGE);
      for (const path of page) yield { kind: 'directory', path };
      after = page.at(-1) ?? after;
      more = page.length === PAGE;
    }
  }

  async forget(forgotten: readonly Forgotten[]): Promise<number> {
    return await this.#writing(undefined, () => endForgotten(this.#context, this.#queue, forgotten));
  }

  async damaged(report: DamageReport): Promise<boolean> {
    return await this.#writing(report.path, () => quarantine(this.#context, this.#queue, report));
  }

  async discard(unknown: Unknown): Promise<boolean> {
    return await this.#writing(unknown.path, () => discardUnknown(this.#context, this.#queue, unknown));
  }

  async repair(sha256: string): Promise<number> {
    return await this.#writing(undefined, () => repair(this.#context, this.#queue, sha256, this.#examined));
  }

  async remakeFolder(path: string): Promise<void> {
    await this.#writing(path, () => remakeFolder(this.#context, this.#queue, path));
  }

  async adopt(adoption: Adoption): Promise<AdoptionOutcome> {
    return await this.#writing(adoption.path, () => adopt(this.#context, this.#queue, adoption));
  }

  suspect(path: string): boolean {
    if (this.#suspects.has(path) || this.#suspects.size >= MAX_SUSPECTS) return false;
    this.#suspects.add(path);
    return true;
  }

  takeSuspects(): string[] {
    const suspects = [...this.#suspects];
    this.#suspects = new Set();
    return suspects;
  }

  state(): Noted {
    const { reader } = this.#context.catalog;
    const noted = reader.note(STATE);
    return { ...FRESH, ...(noted === undefined ? {} : JSON.parse(noted)), missing: reader.countMissing() };
  }

  async setState(change: Partial<Noted>): Promise<void> {
    const { catalog } = this.#context;
    const { missing: _missing, ...before } = { ...this.state(), ...change };
    await this.#writing(undefined, () =>
      this.#queue.run({
        path: undefined,
        execute: async () => catalog.ledger.setNote(STATE, JSON.stringify(before)),
      }),
    );
  }
}

export function onDisk({ record, local }: StoredRecord): FileOnDisk {
  const { path, size, sha256 } = record;
  return {
    path,
    place: local?.place ?? path,
    size,
    sha256,
    ino: local?.ino ?? null,
    mtimeNs: local?.mtimeNs ?? null,
  };
}
