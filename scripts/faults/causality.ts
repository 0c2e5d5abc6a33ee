/** Who can have known of what: from the times of the answers and the links that were cut meanwhile, not from the product's vectors. */
import type { Change, Journal } from './journal.ts';

/** An operation without an answer may still be carried out, by a retry or by a peer that had it already. */
const AFTERLIFE_MS = 30_000;

export class Causality {
  readonly #journal: Journal;
  readonly #members: readonly string[];
  readonly #known = new Map<string, boolean>();

  constructor(journal: Journal, members: readonly string[]) {
    this.#journal = journal;
    this.#members = members;
  }

  /** `later` can have been decided by somebody who had `earlier`. False is certain, true is not. */
  mayHaveSeen(earlier: Change, later: Change): boolean {
    if (earlier === later) return false;
    const until = later.endedAt + (later.outcome === 'unknown' ? AFTERLIFE_MS : 0);
    return earlier.startedAt < until && this.#reaches(earlier.via, later.via, earlier.startedAt, until);
  }

  /** `later` was decided by a member that had `earlier`: the same one said so both times, or all had it. True is certain. */
  definitelySaw(earlier: Change, later: Change): boolean {
    if (earlier.outcome !== 'acknowledged' || later.outcome !== 'acknowledged') return false;
    if (later.startedAt <= earlier.endedAt || !later.here) return false;
    const lost = this.#journal.destroyed.get(later.via);
    if (lost !== undefined && earlier.startedAt < lost && later.endedAt > lost) return false;
    if (earlier.via === later.via && earlier.here) return true;
    return earlier.holders === this.#members.length;
  }

  /** What only a member held whose disk is gone was promised by that disk alone. */
  isGoneWithDisk(change: Change): boolean {
    const lost = this.#journal.destroyed.get(change.via);
    return lost !== undefined && change.startedAt < lost && change.holders < 2;
  }

  #reaches(from: string, to: string, startedAt: number, endedAt: number): boolean {
    if (from === to || this.#journal.cuts.length === 0) return true;
    const key = `${from} ${to} ${startedAt} ${endedAt}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const reached = this.#walk(from, startedAt, endedAt).has(to);
    this.#known.set(key, reached);
    return reached;
  }

  /** Time goes on from one change of the links to the next; what is connected in between shares all it knows. */
  #walk(from: string, startedAt: number, endedAt: number): ReadonlySet<string> {
    const inside = (time: number): boolean => time > startedAt && time < endedAt;
    const turns = this.#journal.cuts.flatMap((cut) => [cut.startedAt, cut.endedAt]).filter(inside);
    const times = [startedAt, ...turns.sort((a, b) => a - b), endedAt];
    const reached = new Set([from]);
    for (const [index, begin] of times.slice(0, -1).entries()) {
      const end = times[index + 1] ?? endedAt;
      for (let grown = true; grown; ) {
        grown = false;
        for (const one of [...reached]) {
          for (const other of this.#members) {
            if (reached.has(other) || this.#isCut(one, other, begin, end)) continue;
            reached.add(other);
            grown = true;
          }
        }
      }
    }
    return reached;
  }

  #isCut(from: string, to: string, begin: number, end: number): boolean {
    return this.#journal.cuts.some(
      (cut) => cut.from === from && cut.to === to && cut.startedAt <= begin && cut.endedAt >= end,
    );
  }
}
