/** How requests, paths and records look on the wire: base64url on command lines, NDJSON on data connections. */

/** Something came that no Cloudroid member sends. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** One line of NDJSON: a record with a long context. More is garbage or an attack on our memory. */
export const MAX_NDJSON_LINE_BYTES = 4 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
const LF = 10;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeText(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}

/** @throws WireError unless it is exactly what `encodeText` makes of some text. */
export function decodeText(encoded: string): string {
  const bytes = Buffer.from(encoded, 'base64url');
  // Node skips what is no base64url; a peer's typo must not become another path.
  if (bytes.toString('base64url') !== encoded) throw new WireError('not base64url');
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new WireError('not UTF-8', { cause: error });
  }
}

export function encodeJson(value: unknown): string {
  return encodeText(JSON.stringify(value));
}

/** @throws WireError unless it is a base64url-encoded JSON object. */
export function decodeJson(encoded: string): { readonly [field: string]: unknown } {
  return parseObject(decodeText(encoded));
}

/** @throws WireError unless the text is one JSON object. */
export function parseObject(text: string): { readonly [field: string]: unknown } {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WireError('not a JSON object');
  }
  return value as { readonly [field: string]: unknown };
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new WireError(`not JSON: ${text.slice(0, 60)}`, { cause: error });
  }
}

/** Lines of JSON in pieces of about 64 KiB. Leaving early returns the iterator, so that a snapshot is let go. */
export function* toNdjson(values: Iterable<unknown>): Generator<Buffer, void> {
  let lines: string[] = [];
  let length = 0;
  for (const value of values) {
    const line = JSON.stringify(value);
    lines.push(line);
    length += line.length + 1;
    if (length < PIECE_BYTES) continue;
    yield Buffer.from(`${lines.join('\n')}\n`, 'utf8');
    lines = [];
    length = 0;
  }
  if (lines.length > 0) yield Buffer.from(`${lines.join('\n')}\n`, 'utf8');
}

/**
 * Whole lines, the newline left off; a last line without one is garbage (a connection that broke).
 * @throws WireError for that, for a line over the limit and for what is not UTF-8.
 */
export async function* readLines(
  source: AsyncIterable<Buffer>,
  maxLineBytes = MAX_NDJSON_LINE_BYTES,
): AsyncGenerator<string, void> {
  let partial: Buffer[] = [];
  let partialBytes = 0;
  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      const piece = chunk.subarray(from, end);
      from = end + 1;
      const line = partialBytes === 0 ? piece : Buffer.concat([...partial, piece]);
      partial = [];
      partialBytes = 0;
      if (line.length > maxLineBytes) throw new WireError(`a line of more than ${maxLineBytes} bytes`);
      yield decodeLine(line);
    }
    if (from < chunk.length) {
      partial.push(chunk.subarray(from));
      partialBytes += chunk.length - from;
      if (partialBytes > maxLineBytes) throw new WireError(`a line of more than ${maxLineBytes} bytes`);
    }
  }
  if (partialBytes > 0) throw new WireError('the last line is cut off');
}

function decodeLine(line: Buffer): string {
  try {
    return utf8.decode(line);
  } catch (error) {
    throw new WireError('a line is not UTF-8', { cause: error });
  }
}
