/** What the clients did and what they were told: the only thing that the checks believe. */

/** All clients and faults of a run live in one process, so one clock orders everything. */
export function now(): number {
  return performance.now();
}

export type Verb = 'STOR' | 'APPE' | 'DELE' | 'RENAME' | 'MKD' | 'RMD';
/**
 * acknowledged: 2xx. refused: an answer that promises that nothing was done (550, 553, 452...). unknown: no answer, or one
 * that leaves it open (426, 450, 451): done or not, but not half.
 */
export type Outcome = 'acknowledged' | 'refused' | 'unknown';

export interface Change {
  /** Of its block, for STOR and APPE. */
  readonly id: string;
  readonly client: string;
  /** The member whose proxy was asked. */
  readonly via: string;
  readonly verb: Verb;
  readonly path: string;
  /** RENAME: the new path. */
  readonly to?: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: Outcome;
  readonly answer: string;
  /** How many members the answer says hold it; 0 when it says nothing. */
  readonly holders: number;
  readonly ofMembers: number;
  /** The answer says that the member asked holds it itself. */
  readonly here: boolean;
}

/** One direction of a link, cut for a while. */
export interface Cut {
  readonly from: string;
  readonly to: string;
  readonly startedAt: number;
  endedAt: number;
}

export class Journal {
  readonly changes: Change[] = [];
  readonly cuts: Cut[] = [];
  /** What readers saw and must never see. */
  readonly seen: string[] = [];
  reads = 0;
  /** For the raw line of the run. */
  readonly notes: string[] = [];
  /** Members whose disk was taken away, or put back to an earlier day: what only they held is lost for good. */
  readonly destroyed = new Map<string, number>();

  cut(from: string, to: string): void {
    this.cuts.push({ from, to, startedAt: now(), endedAt: Number.POSITIVE_INFINITY });
  }

  mend(from: string, to: string): void {
    for (const cut of this.cuts) {
      if (cut.from === from && cut.to === to && cut.endedAt === Number.POSITIVE_INFINITY) cut.endedAt = now();
    }
  }

  acknowledged(): readonly Change[] {
    return this.changes.filter(({ outcome }) => outcome === 'acknowledged');
  }
}

/** `226 Stored on 2 of 3 members, not on this one yet.` -> [2, 3, false]. */
export function holdersIn(answer: string): readonly [holders: number, ofMembers: number, here: boolean] {
  const counted = /\bon (\d+) of (\d+) members/.exec(answer);
  if (counted !== null) return [Number(counted[1]), Number(counted[2]), !answer.includes('not on this one')];
  if (/on this member ONLY/.test(answer)) return [1, 0, true];
  return [0, 0, false];
}

export function outcomeOf(code: number): Outcome {
  if (code >= 200 && code < 300) return 'acknowledged';
  return [500, 501, 502, 503, 530, 550, 552, 553, 452].includes(code) ? 'refused' : 'unknown';
}
