/**
 * The hash tree by which two replicas find where they differ without reading what is alike (Merkle 1987; as Cassandra's
 * and Garage's anti-entropy). Two levels of 256 children by SHA-256 of the path: 65,536 buckets, each the XOR of its
 * records' digests. A node is the XOR of its children, so one record changes three sums of 32 bytes and nothing is ever
 * computed anew. Peers are trusted not to forge sums; by accident two different replicas agree once in 2^256.
 *
 * Only live records count. Tombstones are collected on each member at a time of its own (tombstones.ts) and would make
 * replicas look different that are not; that a deletion is known everywhere is what K says.
 */
import { createHash } from 'node:crypto';
import type { ReplicaRecord } from './record.ts';

export const FAN_OUT = 256;
export const BUCKETS = FAN_OUT * FAN_OUT;
/** Bytes of a digest. */
export const DIGEST_BYTES = 32;

/** 0 ... 65,535: the first two bytes of SHA-256(path). Its node on the first level is bucket >> 8. */
export function bucketOf(path: string): number {
  return createHash('sha256').update(path).digest().readUInt16BE(0);
}

/** Undefined for what does not count. `kept` is left out: it is dropped when everybody knows what it names. */
export function digestOf(record: ReplicaRecord): Buffer | undefined {
  const { path, kind, size, sha256, mtime, dot, stamp, context } = record;
  if (kind === 'tombstone') return undefined;
  const sorted = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([path, kind, size, sha256, mtime, dot, stamp, sorted]))
    .digest();
}

/** What one change of a record does to its bucket. */
export interface TreeChange {
  readonly bucket: number;
  /** The XOR of the digests before and after. */
  readonly difference: Buffer;
}

/** Undefined when the tree stays as it is. */
export function treeChange(
  before: ReplicaRecord | undefined,
  after: ReplicaRecord | undefined,
): TreeChange | undefined {
  const path = after?.path ?? before?.path;
  const was = before === undefined ? undefined : digestOf(before);
  const is = after === undefined ? undefined : digestOf(after);
  if (path === undefined || (was === undefined && is === undefined)) return undefined;
  const difference = Buffer.alloc(DIGEST_BYTES);
  for (const digest of [was, is]) if (digest !== undefined) xorInto(difference, 0, digest);
  return { bucket: bucketOf(path), difference };
}

/** The sums of all three levels: about 2 MiB, however many records there are. */
export class HashTree {
  readonly #root = Buffer.alloc(DIGEST_BYTES);
  readonly #nodes = Buffer.alloc(FAN_OUT * DIGEST_BYTES);
  readonly #buckets = Buffer.alloc(BUCKETS * DIGEST_BYTES);

  apply({ bucket, difference }: TreeChange): void {
    xorInto(this.#root, 0, difference);
    xorInto(this.#nodes, (bucket >> 8) * DIGEST_BYTES, difference);
    xorInto(this.#buckets, bucket * DIGEST_BYTES, difference);
  }

  /** Lower-case hex. */
  get root(): string {
    return this.#root.toString('hex');
  }

  /** 256 digests, in order. */
  nodes(): Buffer {
    return Buffer.from(this.#nodes);
  }

  /** The 256 bucket digests below each of these nodes, one node after the other. */
  bucketsBelow(nodes: readonly number[]): Buffer {
    const each = FAN_OUT * DIGEST_BYTES;
    return Buffer.concat(nodes.map((node) => this.#buckets.subarray(node * each, (node + 1) * each)));
  }

  bucket(bucket: number): Buffer {
    return Buffer.from(this.#buckets.subarray(bucket * DIGEST_BYTES, (bucket + 1) * DIGEST_BYTES));
  }
}

/** The places, 0-based, at which two rows of digests differ. */
export function differing(one: Buffer, other: Buffer): number[] {
  const found: number[] = [];
  for (let at = 0; at * DIGEST_BYTES < Math.max(one.length, other.length); at += 1) {
    const [from, to] = [at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES];
    if (!one.subarray(from, to).equals(other.subarray(from, to))) found.push(at);
  }
  return found;
}

function xorInto(target: Buffer, offset: number, digest: Buffer): void {
  for (let i = 0; i < DIGEST_BYTES; i += 1) {
    target[offset + i] = (target[offset + i] ?? 0) ^ (digest[i] ?? 0);
  }
}
