/** When a change counts as acknowledged (`--ack`), and the sentence that tells the client where it is now. */
import type { AckMode } from '../config/settings-api.ts';

export interface MemberResult {
  readonly name: string;
  /** The member whose proxy the client talks to. */
  readonly local: boolean;
  /** away: not reached; behind: reached, lacks something and catches up; slow: did not answer in time; refused: no trust. */
  readonly result: 'stored' | 'away' | 'behind' | 'slow' | 'refused';
}

export interface Acknowledgement {
  readonly acknowledged: boolean;
  readonly stored: number;
  readonly total: number;
  readonly sentence: string;
}

/** `verb`: "Stored", "Deleted", "Renamed". `results`: one for each member of the network, this one included. */
export function acknowledge(mode: AckMode, verb: string, results: readonly MemberResult[]): Acknowledgement {
  const stored = results.filter(({ result }) => result === 'stored').length;
  const total = results.length;
  return { acknowledged: stored >= wanted(mode, total), stored, total, sentence: sentence(verb, results) };
}

function wanted(mode: AckMode, total: number): number {
  switch (mode) {
    case 'reachable':
    case 'local':
      return 1;
    case 'two':
      return 2;
    case 'quorum':
      return Math.floor(total / 2) + 1;
    case 'all':
      return total;
  }
}

function sentence(verb: string, results: readonly MemberResult[]): string {
  const total = results.length;
  const missing = results.filter(({ result }) => result !== 'stored');
  const stored = total - missing.length;
  if (total === 1 && stored === 1) return `${verb} (1 of 1 members).`;
  const count = `${verb} on ${stored} of ${total} members`;
  if (missing.length === 0) return `${count}.`;
  const hereToo = results.some(({ local, result }) => local && result === 'stored');
  if (stored === 1 && hereToo && missing.every(({ result }) => result === 'away')) {
    return `${verb} on this member ONLY (no peer reachable); copies follow.`;
  }
  const others = missing.filter(({ local }) => !local);
  const here = hereToo ? '' : ', not on this one yet';
  return others.length === 0 ? `${count}${here}.` : `${count}${here} (${explain(others)}).`;
}

function explain(missing: readonly MemberResult[]): string {
  return missing.map(({ name, result }) => `${name} ${REASON[result]}`).join(', ');
}

const REASON: { readonly [result in Exclude<MemberResult['result'], 'stored'>]: string } & {
  stored: string;
} = {
  stored: 'has it',
  away: 'is away and will catch up',
  behind: 'is behind and will catch up',
  slow: 'is slow and will catch up',
  refused: 'is refused: see cloudroid status',
};
