/** Two replicas compared as boards do it: sums of buckets first, then the records of the buckets that differ. */
import { bucketOf, digestOf } from '../../src/replication/hash-tree.ts';
import type { ReplicaRecord, VersionVector } from '../../src/replication/record.ts';
import { isForgottenThere } from '../../src/replication/tombstones.ts';
import type { MemoryTable } from './memory-table.ts';

/** Sums by bucket; what is not here is empty. */
export type Sums = ReadonlyMap<number, bigint>;

/** Few, so that records share a bucket although names are few. */
const BUCKETS = 8;

/** A record never changes, and the models compare the same ones again and again. */
const places = new WeakMap<ReplicaRecord, { readonly bucket: number; readonly digest: bigint }>();

function placeOf(record: ReplicaRecord): { readonly bucket: number; readonly digest: bigint } {
  const known = places.get(record);
  if (known !== undefined) return known;
  const hex = digestOf(record)?.toString('hex') ?? '0';
  const place = { bucket: bucketOf(record.path) % BUCKETS, digest: BigInt(`0x${hex}`) };
  places.set(record, place);
  return place;
}

export function sumsOf(table: MemoryTable): Sums {
  const sums = new Map<number, bigint>();
  for (const record of table.all()) {
    const { bucket, digest } = placeOf(record);
    const sum = (sums.get(bucket) ?? 0n) ^ digest;
    if (sum === 0n) sums.delete(bucket);
    else sums.set(bucket, sum);
  }
  return sums;
}

export function differingBuckets(one: Sums, other: Sums): ReadonlySet<number> {
  const buckets = [...one.keys(), ...other.keys()];
  return new Set(buckets.filter((bucket) => one.get(bucket) !== other.get(bucket)));
}

/** Tombstones too: one that stands against a live record here is what ends it. */
export function recordsIn(table: MemoryTable, buckets: ReadonlySet<number>): ReplicaRecord[] {
  return table.all().filter((record) => buckets.has(placeOf(record).bucket));
}

/** Ours that the peer, which has shown all it has in these buckets, lacks although it knows them (rule 6). */
export function forgottenThere(
  ours: readonly ReplicaRecord[],
  shown: readonly ReplicaRecord[],
  knowledge: VersionVector,
): ReplicaRecord[] {
  const theirs = new Set(shown.map(({ path }) => path));
  return ours.filter((record) => !theirs.has(record.path) && isForgottenThere(record, knowledge));
}
