/** Bytes that this replica lacks or found damaged, fetched by hash from whichever peer has them, and put back. */
import type { FileOnDisk } from '../peers/protocol-upkeep.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { Refusal } from '../replication/operation.ts';
import { fetchAll, type Wanted } from './content-fetcher.ts';
import { hashFile } from './hash-file.ts';

export interface RepairOptions {
  readonly local: ReplicaClient;
  readonly peers: readonly ReplicaClient[];
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
  /** A file has its bytes again. */
  readonly onRepaired: (files: number) => void;
}

/** A content is asked for again when what came was wrong, from the next peer. */
const TRIES = 3;

/** Resolves with how many files still lack their bytes. */
export async function repairMissing(options: RepairOptions): Promise<number> {
  const { local, signal } = options;
  const hopeless = new Set<string>();
  for (let after: string | undefined = ''; after !== undefined; ) {
    signal.throwIfAborted();
    const files: readonly FileOnDisk[] = await local.upkeep.missing(after);
    const wanted = new Map<string, Wanted>();
    for (const { sha256, size } of files) if (!hopeless.has(sha256)) wanted.set(sha256, { sha256, size });
    await repairThese([...wanted.values()], options, hopeless);
    after = files.at(-1)?.path;
  }
  return (await local.upkeep.state()).missing;
}

async function repairThese(
  wanted: readonly Wanted[],
  { local, peers, signal, onBytes, onRepaired }: RepairOptions,
  hopeless: Set<string>,
): Promise<void> {
  let left = wanted;
  for (let attempt = 0; left.length > 0 && attempt < TRIES; attempt += 1) {
    // What another path of this replica holds, or an earlier round has fetched, needs no peer.
    left = await putBack(left, local, onRepaired);
    if (left.length === 0 || peers.length === 0) break;
    const { missing } = await fetchAll(left, {
      local,
      sources: peers,
      firstSource: ({ sha256 }) => attempt + Number.parseInt(sha256.slice(0, 4), 16),
      signal,
      onBytes,
    });
    for (const { sha256 } of missing) hopeless.add(sha256);
    left = left.filter(({ sha256 }) => !hopeless.has(sha256));
    left = await putBack(left, local, onRepaired);
  }
  for (const { sha256 } of left) hopeless.add(sha256);
}

/** Those that could not be put back. */
async function putBack(
  wanted: readonly Wanted[],
  local: ReplicaClient,
  onRepaired: (files: number) => void,
): Promise<Wanted[]> {
  const left: Wanted[] = [];
  for (const each of wanted) {
    try {
      onRepaired(await local.upkeep.repair(each.sha256));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.kind === 'hash-mismatch') await local.dropStaging(`sha-${each.sha256}`);
      else if (error.kind !== 'missing-content') throw error;
      left.push(each);
    }
  }
  return left;
}

/** Looks at files that somebody met damage in. How many were indeed damaged. */
export async function examineSuspects({
  local,
  signal,
}: Pick<RepairOptions, 'local' | 'signal'>): Promise<number> {
  let damaged = 0;
  for (const suspect of await local.upkeep.suspects()) {
    const { entry, disk } = await local.record({ path: suspect, local: true });
    const record = entry?.record;
    if (record?.kind !== 'file' || disk === undefined) continue;
    const { path, sha256 } = record;
    const { ino, mtimeNs } = disk;
    const hashed = await hashFile(disk.path, signal);
    if (hashed.kind === 'hashed') {
      // One that looks otherwise than the catalog says was edited: that is for the walk to judge.
      const edited = hashed.look.ino !== ino || hashed.look.mtimeNs !== mtimeNs;
      if (edited || hashed.sha256 === sha256) continue;
    }
    // No right to read it, or too many open files: that is not the disk's fault, and no reason to give bytes up.
    if (hashed.kind === 'unreadable' && hashed.code !== 'EIO') continue;
    const why = { unreadable: 'unreadable', hashed: 'rotten', moving: 'missing' } as const;
    if (await local.upkeep.damaged({ path, sha256, ino, mtimeNs, why: why[hashed.kind] })) damaged += 1;
  }
  return damaged;
}
