/**
 * Content that proves itself. A file is one or more blocks; each block is a header line (id, path it was written for, length,
 * SHA-256) and a body that follows from the id alone. So a file read back tells which writes made it, in which order, and
 * a torn, mixed or damaged file cannot pass for anything else.
 */
import { createCipheriv, createHash } from 'node:crypto';

const MARK = 'cloudroid-block';
const HEADER = /^cloudroid-block (\S+) (\S+) (\d+) ([0-9a-f]{64})$/;
const MAX_HEADER = 4096;

/** The bytes of an AES stream whose key is the id: as random as they get, cheap, and the same again whenever asked. */
function bodyOf(id: string, length: number): Buffer {
  const key = createHash('sha256').update(id).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** One block of `length` bytes after its header. `id` names the writer and the write, without blanks. */
export function provable(id: string, path: string, length: number): Buffer {
  const body = bodyOf(id, length);
  const hash = createHash('sha256').update(body).digest('hex');
  const shown = Buffer.from(path).toString('base64url');
  return Buffer.concat([Buffer.from(`${MARK} ${id} ${shown} ${length} ${hash}\n`), body]);
}

export interface Block {
  readonly id: string;
  readonly path: string;
}

/** The blocks of a whole file, or a sentence that says how it is not one that anybody wrote. */
export function readProvable(bytes: Buffer): readonly Block[] | string {
  const blocks: Block[] = [];
  if (bytes.length === 0) return 'it is empty';
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.subarray(at, at + MAX_HEADER).indexOf(0x0a);
    const header = HEADER.exec(end < 0 ? '' : bytes.toString('latin1', at, at + end));
    const [, id, path, length, hash] = header ?? [];
    if (id === undefined || path === undefined) return `no header at byte ${at} of ${bytes.length}`;
    const start = at + end + 1;
    const body = bytes.subarray(start, start + Number(length));
    if (body.length !== Number(length)) return `block ${id} ends after ${body.length} of ${length} bytes`;
    const found = createHash('sha256').update(body).digest('hex');
    if (found !== hash || !bodyOf(id, body.length).equals(body)) return `block ${id} holds other bytes`;
    blocks.push({ id, path: Buffer.from(path, 'base64url').toString() });
    at = start + body.length;
  }
  return blocks;
}
