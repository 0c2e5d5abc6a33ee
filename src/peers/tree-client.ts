/** Asking a member for its hash tree (protocol-tree.ts). */
import type { Readable } from 'node:stream';
import { DIGEST_BYTES, FAN_OUT } from '../replication/hash-tree.ts';
import type { ReplicaRecord } from '../replication/record.ts';
import type { PeerLink } from './peer-link.ts';
import { encodeSelection, type RecordStream, type TreeCalls } from './protocol-tree.ts';
import { parseHeader, parseRecord } from './reply-checks.ts';
import { readLines, WireError } from './wire.ts';

export class TreeClient implements TreeCalls {
  readonly #link: PeerLink;

  constructor(link: PeerLink) {
    this.#link = link;
  }

  async nodes(): Promise<Buffer> {
    return await this.#digests('/tree/nodes', FAN_OUT);
  }

  async bucketsBelow(nodes: readonly number[]): Promise<Buffer> {
    return await this.#digests(`/tree/buckets/${encodeSelection(nodes)}`, nodes.length * FAN_OUT);
  }

  async records(buckets: readonly number[]): Promise<RecordStream> {
    return await readRecords(this.#link, `/tree/records/${encodeSelection(buckets)}`);
  }

  async #digests(path: string, count: number): Promise<Buffer> {
    const stream = await this.#link.download(path);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > count * DIGEST_BYTES) break;
    }
    if (bytes === count * DIGEST_BYTES) return Buffer.concat(chunks);
    stream.destroy();
    throw this.#link.garbage(new WireError(`${bytes} bytes instead of ${count} digests`));
  }
}

/** A header line and records. Throws ReplicaUnreachable for garbage, now or while it is read. */
export async function readRecords(link: PeerLink, path: string): Promise<RecordStream> {
  const stream: Readable = await link.download(path);
  const lines = readLines(stream);
  try {
    const first = await lines.next();
    if (first.done === true) throw new WireError('no header');
    const header = parseHeader(first.value);
    return { header, records: link.lines<ReplicaRecord>(stream, parseRecord, lines) };
  } catch (error) {
    stream.destroy();
    throw link.garbage(error);
  }
}
