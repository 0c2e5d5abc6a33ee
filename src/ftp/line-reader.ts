/**
 * Bytes of a control connection in, command lines out (RFC 959 section 3.1; Telnet in telnet.ts).
 *
 * A line ends with LF; CR and NUL before it belong to the end, because telnet sends CR NUL CR LF and devices send
 * LF alone. Python's ftplib sends the LF of its ABOR as urgent data, which Node drops: `ABOR CR` is a line without it.
 * A longer line than the limit is dropped as it comes and told once, so memory stays flat.
 */
const LF = 10;
const CR = 13;
const NUL = 0;

export type Line =
  | { readonly kind: 'line'; readonly bytes: Buffer }
  | { readonly kind: 'too-long'; readonly longestBytes: number };

const ABOR_WITHOUT_LF = Buffer.from('ABOR\r');

const NOTHING = Buffer.alloc(0);

export class LineReader {
  readonly #longestBytes: number;
  /** Bytes not looked at yet. */
  #input: Buffer = NOTHING;
  /** The beginning of a line whose end has not come; a copy, so that it does not hold on to a whole chunk. */
  #partial: Buffer = NOTHING;
  #overlong = false;
  /** The line was taken without its LF; should that come after all, it is no empty line. */
  #withoutLf = false;

  /** `longestBytes` without the LF. */
  constructor(longestBytes: number) {
    this.#longestBytes = longestBytes;
  }

  push(chunk: Buffer): void {
    this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
  }

  /** True when nothing waits to be looked at; only then is it time to read more from the socket. */
  get drained(): boolean {
    return this.#input.length === 0;
  }

  get waitingBytes(): number {
    return this.#input.length;
  }

  /** The next whole line, null when more bytes are needed. */
  next(): Line | null {
    if (this.#withoutLf && this.#input.length > 0) {
      this.#withoutLf = false;
      if (this.#input[0] === LF) this.#input = this.#input.subarray(1);
    }
    const end = this.#input.indexOf(LF);
    const piece = end < 0 ? this.#input : this.#input.subarray(0, end);
    this.#input = end < 0 ? NOTHING : this.#input.subarray(end + 1);
    if (this.#overlong || this.#partial.length + piece.length > this.#longestBytes) {
      this.#partial = NOTHING;
      this.#overlong = end < 0;
      return this.#overlong ? null : { kind: 'too-long', longestBytes: this.#longestBytes };
    }
    if (end < 0) {
      if (piece.length > 0) this.#partial = Buffer.concat([this.#partial, piece]);
      if (!this.#partial.equals(ABOR_WITHOUT_LF)) return null;
      this.#partial = NOTHING;
      this.#withoutLf = true;
      return { kind: 'line', bytes: ABOR_WITHOUT_LF.subarray(0, -1) };
    }
    const line = this.#partial.length === 0 ? piece : Buffer.concat([this.#partial, piece]);
    this.#partial = NOTHING;
    return { kind: 'line', bytes: withoutLineEnd(line) };
  }

  /** Forgets everything that came (before a TLS handshake: CVE-2011-0411). */
  clear(): void {
    this.#input = NOTHING;
    this.#partial = NOTHING;
    this.#overlong = false;
    this.#withoutLf = false;
  }
}

function withoutLineEnd(line: Buffer): Buffer {
  let end = line.length;
  while (end > 0 && (line[end - 1] === CR || line[end - 1] === NUL)) end -= 1;
  return line.subarray(0, end);
}
