/**
 * The hash tree on the wire. HELLO carries the root; what differs is asked for level by level:
 *
 *   RETR /tree/nodes              the 256 digests of the first level, 32 bytes each
 *   RETR /tree/buckets/<nodes>    the 256 bucket digests below each of these nodes
 *   RETR /tree/records/<buckets>  NDJSON: ChangesHeader, then every record of these buckets, tombstones too
 *
 * So two replicas know what differs between them after four round trips, HELLO included, however many files there are.
 */
import type { ReplicaRecord } from '../replication/record.ts';
import type { ChangesHeader } from './protocol.ts';
import { WireError } from './wire.ts';

/** A member's hash tree, as calls. Numbers: rising, at least one. */
export interface TreeCalls {
  /** The first level: 256 digests. */
  nodes(): Promise<Buffer>;
  /** The bucket digests below each of the nodes, 256 a node. */
  bucketsBelow(nodes: readonly number[]): Promise<Buffer>;
  records(buckets: readonly number[]): Promise<RecordStream>;
}

export interface RecordStream {
  readonly header: ChangesHeader;
  /** Leaving early closes the connection. */
  readonly records: AsyncIterable<ReplicaRecord>;
}

/** More numbers are shorter as a bit map. */
const MAX_LISTED = 4096;
const BITMAP_BYTES = 8192;

/** Nodes (0-255) or buckets (0-65,535), each once and rising, as one word of a path. */
export function encodeSelection(numbers: readonly number[]): string {
  if (numbers.length <= MAX_LISTED) {
    const list = Buffer.alloc(numbers.length * 2);
    for (const [index, number] of numbers.entries()) list.writeUInt16BE(number, index * 2);
    return `l${list.toString('base64url')}`;
  }
  const bits = Buffer.alloc(BITMAP_BYTES);
  for (const number of numbers) bits[number >> 3] = (bits[number >> 3] ?? 0) | (1 << (number & 7));
  return `b${bits.toString('base64url')}`;
}

/** @throws WireError for what `encodeSelection` never makes, and for numbers of `limit` and more. */
export function decodeSelection(word: string, limit: number): number[] {
  const bytes = Buffer.from(word.slice(1), 'base64url');
  const numbers: number[] = [];
  if (word.startsWith('l') && bytes.length % 2 === 0 && bytes.length <= MAX_LISTED * 2) {
    for (let at = 0; at < bytes.length; at += 2) numbers.push(bytes.readUInt16BE(at));
  } else if (word.startsWith('b') && bytes.length === BITMAP_BYTES) {
    for (const [index, byte] of bytes.entries()) {
      for (let bit = 0; bit < 8; bit += 1) if ((byte & (1 << bit)) !== 0) numbers.push(index * 8 + bit);
    }
  } else throw new WireError('no selection of the tree');
  const rising = numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? number));
  if (!rising || numbers.length === 0 || (numbers.at(-1) ?? 0) >= limit) {
    throw new WireError('a selection of the tree out of order or range');
  }
  return numbers;
}
