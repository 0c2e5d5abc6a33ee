/** Files of ours that a peer knows to be deleted, and has forgotten: this replica was away for long, or is an old backup. */
import type { Forgotten } from '../peers/protocol-upkeep.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { massDeletionLimit } from '../replication/tombstones.ts';

/** A request is one line of at most 128 KiB. */
const LINE_BYTES = 64 * 1024;

/** `notice`: why nothing was done, for the operator. A difference alone is never permission to destroy much. */
export async function endForgotten(
  local: ReplicaClient,
  forgotten: readonly Forgotten[],
  { acceptDeletions, place }: { readonly acceptDeletions: boolean; readonly place: string },
): Promise<{ readonly ended: number; readonly notice: string | null }> {
  const { files } = await local.status();
  if (!acceptDeletions && forgotten.length > massDeletionLimit(files)) {
    const notice =
      `${forgotten.length} files here were deleted elsewhere long ago, says ${place}: was an old backup put back? ` +
      'They are kept. To delete them (into the trash): cloudroid sweep --once --accept-deletions';
    return { ended: 0, notice };
  }
  let ended = 0;
  for (const batch of inLines(forgotten)) ended += await local.upkeep.forget(batch);
  return { ended, notice: null };
}

function* inLines(forgotten: readonly Forgotten[]): Generator<Forgotten[], void> {
  let batch: Forgotten[] = [];
  let bytes = 0;
  for (const each of forgotten) {
    const more = Buffer.byteLength(JSON.stringify(each)) + 1;
    if (batch.length > 0 && (bytes + more > LINE_BYTES || batch.length === 1000)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(each);
    bytes += more;
  }
  if (batch.length > 0) yield batch;
}
