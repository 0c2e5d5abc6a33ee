/** The small facts of a catalog that are kept in memory: identity, counters, knowledge. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ACCOUNTS_DIR } from '../../replication/account-path.ts';
import type { Dot, VersionVector } from '../../replication/record.ts';
import { KIND_DIRECTORY, KIND_FILE } from './catalog-schema.ts';
import type { Totals } from './record-writer.ts';

/** Never changed in place: a new one for each change, so that going back is taking the old one. */
export interface CatalogState {
  /** '' in a new catalog. */
  readonly member: string;
  readonly store: string;
  /** 'new' until the volume's identity file is written, then 'ready'. */
  readonly volume: string;
  readonly incarnation: string;
  /** `<member>.<incarnation>`. */
  readonly actor: string;
  /** Last seq used by this incarnation. */
  readonly lastSeq: number;
  /** Highest change number given out, never given out again. */
  readonly change: number;
  readonly knowledge: VersionVector;
  /** Highest stamp of any tombstone that was collected, here or where this member learnt what it knows. */
  readonly collectedStamp: number;
  /** 'yes' in a new store until it has, by complete exchanges, what the others have; then ''. */
  readonly joining: string;
  readonly totals: Readonly<Totals>;
  readonly trashBytes: number;
  /** Grows with every change of an account or of where its bytes are; not kept in the file. */
  readonly accounts: number;
}

/** Accounts are not what users have stored. */
const USERS_FILES = `kind = ${KIND_FILE} AND parent <> '${ACCOUNTS_DIR}'`;

/** Out-of-order dots remembered at most; beyond that the sweep finds them again. */
const MAX_EXTRA_DOTS = 10_000;

export function loadState(database: DatabaseSync): CatalogState {
  const meta = new Map<string, string>();
  for (const row of database.prepare('SELECT key, value FROM meta').all()) {
    meta.set(String(row['key']), String(row['value']));
  }
  const number = (sql: string) => Number(database.prepare(sql).get()?.['n'] ?? 0);
  const member = meta.get('member') ?? '';
  const incarnation = meta.get('incarnation') ?? '';
  return {
    member,
    store: meta.get('store') ?? '',
    volume: meta.get('volume') ?? '',
    incarnation,
    actor: `${member}.${incarnation}`,
    lastSeq: Number(meta.get('lastSeq') ?? 0),
    change: Number(meta.get('change') ?? 0),
    knowledge: loadKnowledge(database),
    collectedStamp: Number(meta.get('collectedStamp') ?? 0),
    joining: meta.get('joining') ?? '',
    totals: {
      files: number(`SELECT count(*) n FROM records WHERE ${USERS_FILES}`),
      bytes: number(`SELECT sum(size) n FROM records WHERE ${USERS_FILES}`),
      conflicts: number(
        `SELECT count(*) n FROM records WHERE kind = ${KIND_FILE} AND actor >= '*' AND actor < '+'`,
      ),
      directories: number(
        `SELECT (SELECT count(*) FROM records WHERE kind = ${KIND_DIRECTORY}) +
           (SELECT count(*) FROM directories d WHERE NOT EXISTS
             (SELECT 1 FROM records r WHERE r.path = d.path AND r.kind = ${KIND_DIRECTORY})) n`,
      ),
    },
    trashBytes: number('SELECT sum(size) n FROM trash'),
    accounts: 0,
  };
}

export function loadKnowledge(database: DatabaseSync): VersionVector {
  const knowledge: Record<string, number> = {};
  for (const row of database.prepare('SELECT actor, seq FROM knowledge').all()) {
    knowledge[String(row['actor'])] = Number(row['seq']);
  }
  return knowledge;
}

const META_KEYS = [
  'member',
  'store',
  'volume',
  'incarnation',
  'lastSeq',
  'change',
  'collectedStamp',
  'joining',
] as const;

export class StateWriter {
  readonly #setMeta: StatementSync;
  readonly #setKnown: StatementSync;
  readonly #addExtra: StatementSync;
  readonly #nextExtra: StatementSync;
  readonly #dropExtra: StatementSync;
  readonly #countExtra: StatementSync;

  constructor(database: DatabaseSync) {
    this.#setMeta = database.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
    this.#setKnown = database.prepare('INSERT OR REPLACE INTO knowledge (actor, seq) VALUES (?, ?)');
    this.#addExtra = database.prepare('INSERT OR IGNORE INTO extra_dots (actor, seq) VALUES (?, ?)');
    this.#nextExtra = database.prepare('SELECT 1 FROM extra_dots WHERE actor = ? AND seq = ?');
    this.#dropExtra = database.prepare('DELETE FROM extra_dots WHERE actor = ? AND seq <= ?');
    this.#countExtra = database.prepare('SELECT count(*) AS n FROM extra_dots');
  }

  save(before: CatalogState, after: CatalogState): void {
    for (const key of META_KEYS) {
      if (before[key] !== after[key]) this.#setMeta.run(key, String(after[key]));
    }
  }

  /** What is known with all this added; the same object when nothing is new. Writes what is new. */
  learn(known: VersionVector, joined: VersionVector, dots: readonly Dot[]): VersionVector {
    const raised = new Map<string, number>();
    const seqOf = (actor: string) => raised.get(actor) ?? known[actor] ?? 0;
    for (const [actor, seq] of Object.entries(joined)) {
      if (seq > seqOf(actor)) raised.set(actor, seq);
    }
    for (const [actor, seq] of [...dots].sort((a, b) => a[1] - b[1])) {
      // Conflict copies (actor `*...`) are never tested against knowledge.
      if (actor.startsWith('*') || seq <= seqOf(actor)) continue;
      if (seq === seqOf(actor) + 1) raised.set(actor, seq);
      else if (Number(this.#countExtra.get()?.['n']) < MAX_EXTRA_DOTS) {
        this.#addExtra.run(actor, seq);
      }
    }
    if (raised.size === 0) return known;
    for (const [actor, seq] of raised) {
      let top = seq;
      while (this.#nextExtra.get(actor, top + 1) !== undefined) top += 1;
      this.#dropExtra.run(actor, top);
      raised.set(actor, top);
      this.#setKnown.run(actor, top);
    }
    return { ...known, ...Object.fromEntries(raised) };
  }
}
