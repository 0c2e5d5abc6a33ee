/**
 * The safety net under the feed: the hash trees of two replicas compared, and what differs exchanged. Four round trips at
 * most: HELLO with the root, the first level, the buckets, the records of the buckets that differ. Nothing of it raises K,
 * for tombstones are in no tree: all that a peer knows is learned from its feed alone.
 *
 * While the peer changes, its digests and its records are of two moments: then only what adds is taken, and the next round
 * looks again. Only a peer that stood still can tell that it *lacks* something.
 */
import type { Hello } from '../peers/protocol.ts';
import type { RecordStream } from '../peers/protocol-tree.ts';
import {
  bucketOf,
  DIGEST_BYTES,
  differing,
  digestOf,
  FAN_OUT,
  HashTree,
  treeChange,
} from '../replication/hash-tree.ts';
import type { Dot, ReplicaRecord } from '../replication/record.ts';
import { isForgottenThere } from '../replication/tombstones.ts';
import { Exchange, type ExchangeContext } from './exchange.ts';
import { GarbledFeed } from './feed.ts';

export interface TreeContext extends ExchangeContext {
  /** Look only. */
  readonly dryRun?: boolean;
}

export interface TreeComparison {
  /** Paths whose records differ, here, there or on both sides. */
  readonly differences: number;
  /** False: the peer changed meanwhile, so the differences may be changes on their way. */
  readonly still: boolean;
  /** What was deleted and forgotten there while this replica was away; at most FORGOTTEN_AT_MOST. */
  readonly forgotten: readonly { readonly path: string; readonly dot: Dot }[];
}

const ALIKE: TreeComparison = { differences: 0, still: true, forgotten: [] };
const FORGOTTEN_AT_MOST = 100_000;

/** Throws ContentMissing, ReplicaUnreachable, Refusal of the own storage server. */
export async function exchangeTrees(context: TreeContext): Promise<TreeComparison> {
  const { local, peer, signal, dryRun } = context;
  const theirHello = await peer.hello(undefined, signal);
  const ownHello = await local.hello();
  if (theirHello.tree === ownHello.tree) return ALIKE;
  const told = await differingBuckets(context);
  const buckets = [...told.keys()];
  if (buckets.length === 0) return { ...ALIKE, still: false }; // alike by now
  signal.throwIfAborted();
  const [theirs, ours] = await Promise.all([peer.tree.records(buckets), local.tree.records(buckets)]);
  const peerStill = stoodStill(theirHello, theirs.header);
  const still = peerStill && stoodStill(ownHello, ours.header);
  const found: { path: string; dot: Dot }[] = [];
  let differences = 0;
  const exchange = new Exchange(context);
  // What a peer leaves out would look deleted there: a stream that is not what its digests say is garbage.
  const checked = { header: theirs.header, records: asTold(theirs, peerStill ? told : null) };
  const news = newsOf(checked, ours, (record, onlyHere) => {
    differences += 1;
    if (!onlyHere || !still || found.length >= FORGOTTEN_AT_MOST) return;
    if (isForgottenThere(record, theirHello.knowledge)) found.push({ path: record.path, dot: record.dot });
  });
  if (dryRun === true) {
    for await (const _record of news);
  } else {
    await exchange.takeAll(news);
    if (peerStill) await exchange.complete(null);
    else exchange.requireContents();
  }
  return { differences, still, forgotten: found };
}

/** The buckets that differ, rising, each with the peer's digest. */
async function differingBuckets({ local, peer }: ExchangeContext): Promise<Map<number, Buffer>> {
  const nodes = differing(await local.tree.nodes(), await peer.tree.nodes());
  const found = new Map<number, Buffer>();
  if (nodes.length === 0) return found;
  const [ours, theirs] = [await local.tree.bucketsBelow(nodes), await peer.tree.bucketsBelow(nodes)];
  for (const place of differing(ours, theirs)) {
    const node = nodes[Math.floor(place / FAN_OUT)] ?? 0;
    const digest = theirs.subarray(place * DIGEST_BYTES, (place + 1) * DIGEST_BYTES);
    found.set(node * FAN_OUT + (place % FAN_OUT), digest);
  }
  return found;
}

/** `told`: the digests of all buckets asked for, of the same moment; null: the peer changes, so they prove nothing. */
async function* asTold(
  { header, records }: RecordStream,
  told: ReadonlyMap<number, Buffer> | null,
): AsyncGenerator<ReplicaRecord, void> {
  const sums = new HashTree();
  let count = 0;
  for await (const record of records) {
    const change = treeChange(undefined, record);
    if (change !== undefined) sums.apply(change);
    count += 1;
    yield record;
  }
  if (count !== header.count)
    throw new GarbledFeed(`${count} records of buckets, announced were ${header.count}`);
  for (const [bucket, digest] of told ?? []) {
    if (!sums.bucket(bucket).equals(digest))
      throw new GarbledFeed('the records of a bucket are not those of its digest');
  }
}

function stoodStill(hello: Hello, header: RecordStream['header']): boolean {
  const { store, incarnation, changes } = hello;
  return header.store === store && header.incarnation === incarnation && header.upTo === changes;
}

/**
 * Their records that are not just as ours, tombstones of what is live here too. `onDifference` hears of each such path,
 * and of live records of ours at whose path they have none at all (`onlyHere`). Memory for one bucket.
 */
async function* newsOf(
  theirs: RecordStream,
  ours: RecordStream,
  onDifference: (record: ReplicaRecord, onlyHere: boolean) => void,
): AsyncGenerator<ReplicaRecord, void> {
  for await (const [there, here] of sideBySide(byBucket(theirs.records), byBucket(ours.records))) {
    const mine = new Map(here.map((record) => [record.path, record]));
    for (const record of there) {
      const own = mine.get(record.path);
      mine.delete(record.path);
      if (isAlike(own, record)) continue;
      onDifference(own ?? record, false);
      yield record;
    }
    for (const record of mine.values()) if (record.kind !== 'tombstone') onDifference(record, true);
  }
}

interface Bucket {
  readonly bucket: number;
  readonly records: ReplicaRecord[];
}

/** Records that come bucket by bucket, as they are read from the catalog. */
async function* byBucket(records: AsyncIterable<ReplicaRecord>): AsyncGenerator<Bucket, void> {
  let current: Bucket | undefined;
  for await (const record of records) {
    const bucket = bucketOf(record.path);
    if (current !== undefined && bucket < current.bucket) throw new GarbledFeed('buckets out of order');
    if (current?.bucket === bucket) current.records.push(record);
    else {
      if (current !== undefined) yield current;
      current = { bucket, records: [record] };
    }
  }
  if (current !== undefined) yield current;
}

/** Both sides of each bucket; an empty list where one side has nothing. */
async function* sideBySide(
  one: AsyncGenerator<Bucket, void>,
  other: AsyncGenerator<Bucket, void>,
): AsyncGenerator<readonly [readonly ReplicaRecord[], readonly ReplicaRecord[]], void> {
  try {
    let [a, b] = [await one.next(), await other.next()];
    while (a.done !== true || b.done !== true) {
      const [left, right] = [a.done === true ? AT_END : a.value, b.done === true ? AT_END : b.value];
      const bucket = Math.min(left.bucket, right.bucket);
      yield [left.bucket === bucket ? left.records : [], right.bucket === bucket ? right.records : []];
      if (left.bucket === bucket) a = await one.next();
      if (right.bucket === bucket) b = await other.next();
    }
  } finally {
    await Promise.allSettled([one.return(), other.return()]);
  }
}

const AT_END: Bucket = { bucket: Number.POSITIVE_INFINITY, records: [] };

function isAlike(own: ReplicaRecord | undefined, theirs: ReplicaRecord): boolean {
  const there = digestOf(theirs);
  const here = own === undefined ? undefined : digestOf(own);
  return there === undefined || here === undefined ? there === here : there.equals(here);
}
