/** Dots and version vectors (Parker et al. 1983; dotted: Almeida et al. 2014). */
import type { Dot, VersionVector } from './record.ts';

/** Conflict copies are written by nobody: every member that detects the conflict derives the same record. */
export function isConflictActor(actor: string): boolean {
  return actor.startsWith('*');
}

export function sameDot([actorA, seqA]: Dot, [actorB, seqB]: Dot): boolean {
  return actorA === actorB && seqA === seqB;
}

export function covers(vector: VersionVector, [actor, seq]: Dot): boolean {
  return (vector[actor] ?? 0) >= seq;
}

/** True when everything in `part` is in `whole`. */
export function includes(whole: VersionVector, part: VersionVector): boolean {
  return Object.entries(part).every((dot) => covers(whole, dot));
}

/** The least vector that includes both; the very object `a` when `b` adds nothing. */
export function join(a: VersionVector, b: VersionVector): VersionVector {
  if (includes(a, b)) return a;
  const joined: { [actor: string]: number } = { ...a };
  for (const [actor, seq] of Object.entries(b)) joined[actor] = Math.max(joined[actor] ?? 0, seq);
  return joined;
}

/** What both include. */
export function common(a: VersionVector, b: VersionVector): VersionVector {
  const shared: { [actor: string]: number } = {};
  for (const [actor, seq] of Object.entries(a)) {
    const least = Math.min(seq, b[actor] ?? 0);
    if (least > 0) shared[actor] = least;
  }
  return shared;
}

export function withDot(vector: VersionVector, [actor, seq]: Dot): VersionVector {
  return join(vector, { [actor]: seq });
}

/** Both lists, each dot once, in one order on every member; the very object `a` when `b` adds nothing. */
export function joinDots(a: readonly Dot[], b: readonly Dot[]): readonly Dot[] {
  const added = b.filter((dot) => !a.some((other) => sameDot(other, dot)));
  if (added.length === 0) return a;
  return [...a, ...added].sort(compareDots);
}

export function compareDots([actorA, seqA]: Dot, [actorB, seqB]: Dot): number {
  if (actorA !== actorB) return actorA < actorB ? -1 : 1;
  return seqA - seqB;
}
