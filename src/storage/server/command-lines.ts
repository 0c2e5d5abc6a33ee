/**
 * Bytes of a peer's control connection in, command lines out (RFC 959 section 3.1). ftp-srv takes every TCP chunk for
 * whole lines, cuts UTF-8 between chunks and keeps a line of any length.
 */
const LF = 10;
const CR = 13;

export type CommandLine =
  | { readonly kind: 'line'; readonly text: string }
  /** The bytes are dropped as they come, so that memory stays flat. */
  | { readonly kind: 'too-long' }
  | { readonly kind: 'not-utf8' };

export class CommandLines {
  readonly #maxBytes: number;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #partial: Buffer[] = [];
  #partialBytes = 0;
  #overlong = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that the chunk completes. */
  push(chunk: Buffer): CommandLine[] {
    const lines: CommandLine[] = [];
    let from = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      this.#keep(chunk.subarray(from, end));
      from = end + 1;
      lines.push(this.#take());
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
    return lines;
  }

  #keep(piece: Buffer): void {
    if (this.#overlong) return;
    if (this.#partialBytes + piece.length > this.#maxBytes) {
      this.#overlong = true;
      this.#partial = [];
      this.#partialBytes = 0;
      return;
    }
    this.#partial.push(piece);
    this.#partialBytes += piece.length;
  }

  #take(): CommandLine {
    const overlong = this.#overlong;
    const bytes = Buffer.concat(this.#partial);
    this.#partial = [];
    this.#partialBytes = 0;
    this.#overlong = false;
    if (overlong) return { kind: 'too-long' };
    const length = bytes.at(-1) === CR ? bytes.length - 1 : bytes.length;
    try {
      return { kind: 'line', text: this.#utf8.decode(bytes.subarray(0, length)) };
    } catch {
      return { kind: 'not-utf8' };
    }
  }
}
