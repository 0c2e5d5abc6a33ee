/** A user's home folder is there when the user comes. */
import { parentOf } from '../ftp/virtual-path.ts';
import type { ReplicaSet } from '../peers/replica-set-api.ts';
import { Refusal } from '../replication/operation.ts';

/** Made when it is missing: somebody may have deleted it. False when there is a file in its place. Rejects as the members do. */
export async function isHomeThere(replicas: ReplicaSet, home: string): Promise<boolean> {
  if (home === '/') return true;
  const entry = await replicas.lookup(home);
  if (entry !== null) return entry.kind === 'directory';
  if (!(await isHomeThere(replicas, parentOf(home)))) return false;
  try {
    await replicas.change({ op: 'mkdir', path: home });
    return true;
  } catch (error) {
    // Another session was quicker.
    if (error instanceof Refusal && error.kind === 'exists') return await isHomeThere(replicas, home);
    // Nothing can be written at the moment; it can be read all the same.
    if (error instanceof Refusal && ['read-only', 'no-space', 'io', 'busy'].includes(error.kind)) return true;
    throw error;
  }
}
