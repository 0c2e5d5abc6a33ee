/** One file that somebody put or changed in the volume from outside: hashed while it rests, then offered to the store. */
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { hashFile, type Look } from './hash-file.ts';

export interface TakeOverOptions {
  readonly local: ReplicaClient;
  readonly filesDir: string;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How long a file must not have changed before it is taken over. */
  readonly restMs: number;
}

/** restless: somebody may be writing it right now. Throws Refusal when the tree does not allow it. */
export async function takeOver(
  path: string,
  look: Look,
  { local, filesDir, signal, now, restMs }: TakeOverOptions,
): Promise<'new version' | 'refreshed' | 'restless' | `cannot be read (${string})`> {
  if (!rests(look, now(), restMs)) return 'restless';
  const hashed = await hashFile(filesDir + path, signal);
  if (hashed.kind === 'moving') return 'restless';
  if (hashed.kind === 'unreadable') return `cannot be read (${hashed.code})`;
  const { sha256 } = hashed;
  const { ino, mtimeNs, size } = hashed.look;
  const outcome = await local.upkeep.adopt({ path, ino, mtimeNs, size, sha256 });
  return outcome === 'gone' ? 'restless' : outcome;
}

/** By the change time, which nobody can set. One in the future comes from a clock that was wrong. */
function rests({ ctimeNs }: Look, now: number, restMs: number): boolean {
  const ageMs = now - Number(ctimeNs / 1_000_000n);
  return ageMs >= restMs || ageMs < -60_000;
}
