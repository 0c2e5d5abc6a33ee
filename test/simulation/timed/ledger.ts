/**
 * Remembers every write as it was issued, and by whom it was replaced: not by contexts, which are what is under test, but
 * by descent: each write has one parent, the record its assigner had at the path. From that it tells what was lost and
 * what came back.
 */
import { conflictCopy } from '../../../src/replication/merge.ts';
import type { PushedRecord } from '../../../src/replication/operation.ts';
import type { Dot, ReplicaRecord, VersionVector } from '../../../src/replication/record.ts';
import { isLive } from '../../../src/replication/tree-view.ts';
import { covers } from '../../../src/replication/version.ts';
import type { Collected } from '../collected.ts';
import type { MemoryTable } from '../memory-table.ts';

export interface Issue {
  readonly record: ReplicaRecord;
  /** The write this one replaced knowingly; a conflict copy stands for the write it is a copy of. */
  readonly parent: string | null;
  readonly siblings: readonly Issue[];
  /** A rename's tombstone: the write at the other name that goes with it. */
  readonly movedTo: Issue | undefined;
  /** Members whose disks hold it since it was acknowledged. Empty: nobody promised anything. */
  readonly holders: Set<string>;
}

export class Ledger {
  readonly #issues = new Map<string, Issue>();
  readonly #children = new Map<string, Issue[]>();
  readonly #byPath = new Map<string, Issue[]>();
  readonly #brought = new Set<Issue>();
  /** Tombstones that rule 6 wrote, no client. */
  readonly #forgotten = new Set<string>();
  readonly #collected: Collected;

  constructor(collected: Collected) {
    this.#collected = collected;
  }

  /** False when a dot is given out a second time. */
  assigned(pushed: readonly PushedRecord[]): boolean {
    if (pushed.some(({ record }) => this.#issues.has(original(record.dot)))) return false;
    let last: Issue | undefined;
    for (const { record, base } of pushed) {
      const siblings = this.#byPath.get(record.path) ?? [];
      const parent = base === null ? null : original(base);
      // Renaming, each write at a new name is followed by the tombstone at the old one.
      const movedTo = record.kind === 'tombstone' && last?.record.kind !== 'tombstone' ? last : undefined;
      const issue = { record, parent, siblings, movedTo, holders: new Set<string>() };
      last = issue;
      this.#issues.set(original(record.dot), issue);
      this.#byPath.set(record.path, siblings);
      siblings.push(issue);
      if (issue.parent === null) continue;
      const children = this.#children.get(issue.parent) ?? [];
      this.#children.set(issue.parent, children);
      children.push(issue);
    }
    return true;
  }

  /**
   * A fail-over brought these records to a member without all that goes with them: a rename known only from them does not
   * answer for its target (docs/replication.md, "What the model allows").
   */
  brought(seen: readonly ReplicaRecord[]): void {
    for (const { path, context } of seen) {
      for (const issue of this.#byPath.get(path) ?? [])
        if (covers(context, issue.record.dot)) this.#brought.add(issue);
    }
  }

  /** These have seen more than the record they end. */
  forgotten(pushed: readonly PushedRecord[]): void {
    for (const { record } of pushed) this.#forgotten.add(original(record.dot));
  }

  /** The client was told that these members store it. */
  acknowledged(pushed: readonly PushedRecord[], members: readonly string[]): void {
    for (const { record } of pushed) {
      const holders = this.#issues.get(original(record.dot))?.holders;
      for (const member of members) holders?.add(member);
    }
  }

  /** The disk of a member is another one now, or gone (no table). */
  diskChanged(member: string, table: MemoryTable | undefined): void {
    for (const { record, holders } of this.#issues.values()) {
      if (table === undefined || !this.#knows(table, record)) holders.delete(member);
    }
  }

  get promised(): Issue[] {
    return [...this.#issues.values()].filter(({ holders }) => holders.size > 0);
  }

  /** Promised files of a path (and, for a copy's path, of the file it is a copy of) that are nowhere any more. */
  lost(tables: readonly MemoryTable[], paths?: ReadonlySet<string>): string[] {
    const tell = ({ record }: Issue) => `lost: ${describe(record)}`;
    const concerned = (issue: Issue) =>
      paths === undefined ||
      paths.has(issue.record.path) ||
      [...paths].some((path) => path.includes('.conflict-'));
    return this.promised
      .filter(
        (issue) =>
          concerned(issue) && issue.record.kind === 'file' && !this.#isSafe(issue, tables, new Set()),
      )
      .map(tell);
  }

  /** A record that stands where a write that had replaced it stood before. */
  cameBack(before: ReplicaRecord, after: ReplicaRecord): boolean {
    return (
      this.#descendsFrom(original(before.dot), original(after.dot)) &&
      original(before.dot) !== original(after.dot)
    );
  }

  /** Promised deletions whose file is there again. */
  undone(tables: readonly MemoryTable[]): string[] {
    return this.promised.flatMap(({ record }) => {
      if (record.kind !== 'tombstone') return [];
      const back = tables
        .map((table) => table.get(record.path))
        // An older tombstone from a backup brings nothing back.
        .find((now) => isLive(now) && this.cameBack(record, now));
      return back === undefined ? [] : [`came back: ${describe(back)}, deleted by ${record.dot.join(' ')}`];
    });
  }

  /** A deletion must not take the name from a write on the same base. */
  namesTaken(table: MemoryTable): string[] {
    return this.promised.flatMap(({ record, parent }) => {
      const now = table.get(record.path);
      if (record.kind !== 'file' || parent === null || now?.kind !== 'tombstone') return [];
      // Settled and forgotten: the tombstone there may be of somebody's old copy of the base (rule 6).
      if (this.#collected.has(record) || this.#forgotten.has(original(now.dot))) return [];
      const taken = this.#issues.get(original(now.dot))?.parent === parent;
      return taken ? [`a deletion took the name of ${describe(record)}`] : [];
    });
  }

  /** A conflict copy without two writes that did not know of each other. */
  needlessCopy(copy: ReplicaRecord): boolean {
    const own = original(copy.dot);
    const issue = this.#issues.get(own);
    if (issue === undefined || this.#metCopy(issue)) return false;
    return issue.siblings.every(({ record: { dot } }) => {
      const other = original(dot);
      return this.#descendsFrom(own, other) || this.#descendsFrom(other, own);
    });
  }

  /** Somebody's own file under the name of a conflict copy meets that copy, which nobody issued, unless he had seen it. */
  #metCopy({ record: { path, context } }: Issue): boolean {
    if (!path.includes('.conflict-')) return false;
    return [...this.#issues.values()].some(({ record }) => {
      const copy = conflictCopy(record);
      return record.kind === 'file' && copy.path === path && !covers(context, copy.dot);
    });
  }

  /** Writes that K covers and the table neither has nor saw replaced. */
  falselyKnown(table: MemoryTable): string[] {
    return (
      [...this.#issues.values()]
        .filter(({ record }) => covers(table.knowledge, record.dot) && !knows(table, record))
        // Until the trees are compared a disk from a backup may have what everybody else has forgotten.
        .filter(({ record }) => !this.#collected.has(record))
        .map(({ record }) => `falsely known: ${describe(record)}`)
    );
  }

  #knows(table: MemoryTable, record: ReplicaRecord): boolean {
    return knows(table, record) || this.#collected.isKnownBy(table, record);
  }

  #descendsFrom(young: string, old: string): boolean {
    for (let at: string | null | undefined = young; at != null; at = this.#issues.get(at)?.parent) {
      if (at === old) return true;
    }
    return false;
  }

  #isSafe(issue: Issue, tables: readonly MemoryTable[], visited: Set<Issue>): boolean {
    if (visited.has(issue)) return false;
    visited.add(issue);
    const own = original(issue.record.dot);
    const stands = (record: ReplicaRecord) => record.kind === 'file' && original(record.dot) === own;
    if (tables.some((table) => table.all().some(stands))) return true;
    const known = ({ record }: Issue) => tables.some((table) => this.#knows(table, record));
    const isEnd = (child: Issue) => {
      if (child.movedTo !== undefined && !this.#brought.has(child))
        return this.#isSafe(child.movedTo, tables, visited);
      return child.record.kind !== 'file' || child.holders.size === 0 || this.#isSafe(child, tables, visited);
    };
    const replaced = (this.#children.get(own) ?? []).some((child) => known(child) && isEnd(child));
    // The same bytes under the same name written by somebody else: that write stands for both.
    const isTwin = ({ record }: Issue) => record.kind === 'file' && record.sha256 === issue.record.sha256;
    const standsFor = (each: Issue) => isTwin(each) && this.#isSafe(each, tables, visited);
    return replaced || issue.siblings.some(standsFor) || this.#besides(issue).some(standsFor);
  }

  /** What stands at the place of its copy: found there when a catalog was lost. */
  #besides({ record }: Issue): readonly Issue[] {
    return this.#byPath.get(conflictCopy(record).path) ?? [];
  }
}

function knows(table: MemoryTable, { path, dot }: ReplicaRecord): boolean {
  const context: VersionVector = table.get(path)?.context ?? {};
  return covers(context, dot);
}

/** A conflict copy bears the dot of the write it is a copy of, marked with a star. */
function original([actor, seq]: Dot): string {
  return `${actor.startsWith('*') ? actor.slice(1) : actor} ${seq}`;
}

export function describe({ kind, path, sha256, dot, stamp }: ReplicaRecord): string {
  return `${kind} ${path} ${sha256} [${dot.join(' ')}] stamp ${stamp}`;
}
