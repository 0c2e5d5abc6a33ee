/**
 * The little of Telnet that reaches an FTP control connection (RFC 854, RFC 959 section 4.1.3 on ABOR).
 *
 * Options are refused, everything else is swallowed. Node drops the urgent byte of a Synch, so that `IAC IP IAC DM ABOR`
 * arrives as `IAC IP IAC ABOR` (lftp): the byte after an IAC belongs to Telnet only when it is a Telnet command (>= 240).
 * tnftp and BSD ftp mark the IAC before the DM as urgent instead: then a lone DM follows the IP.
 */
const IAC = 255;
const DONT = 254;
const DO = 253;
const WONT = 252;
const WILL = 251;
const SUBNEGOTIATION = 250;
const INTERRUPT = 244;
const DATA_MARK = 242;
const SUBNEGOTIATION_END = 240;
const FIRST_COMMAND = 240;
/** A subnegotiation that never ends must not swallow the session. */
const LONGEST_SUBNEGOTIATION = 512;

type State =
  | { readonly kind: 'text' }
  | { readonly kind: 'command' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'option'; readonly verb: number }
  | { readonly kind: 'subnegotiation'; readonly left: number; readonly afterIac: boolean };

const TEXT: State = { kind: 'text' };

export interface TelnetText {
  /** What is left for the line reader. */
  readonly bytes: Buffer;
  /** What to send back, null when nothing. */
  readonly answer: Buffer | null;
}

/** Bytes in, text and answers out; keeps its place between chunks. */
export class TelnetFilter {
  #state: State = TEXT;

  push(chunk: Buffer): TelnetText {
    if (this.#state.kind === 'text' && !chunk.includes(IAC)) return { bytes: chunk, answer: null };
    const bytes = Buffer.allocUnsafe(chunk.length);
    const answer: number[] = [];
    let length = 0;
    for (const byte of chunk) {
      if (this.#step(byte, answer)) bytes[length++] = byte;
    }
    return { bytes: bytes.subarray(0, length), answer: answer.length > 0 ? Buffer.from(answer) : null };
  }

  /** True when the byte is text. */
  #step(byte: number, answer: number[]): boolean {
    const state = this.#state;
    switch (state.kind) {
      case 'text':
      case 'interrupted':
        this.#state = byte === IAC ? { kind: 'command' } : TEXT;
        return byte !== IAC && !(state.kind === 'interrupted' && byte === DATA_MARK);
      case 'command':
        if (byte >= WILL && byte <= DONT) {
          this.#state = { kind: 'option', verb: byte };
          return false;
        }
        this.#state = TEXT;
        if (byte === INTERRUPT) this.#state = { kind: 'interrupted' };
        if (byte === SUBNEGOTIATION) {
          this.#state = { kind: 'subnegotiation', left: LONGEST_SUBNEGOTIATION, afterIac: false };
        }
        return byte < FIRST_COMMAND || byte === IAC;
      case 'option':
        if (state.verb === DO) answer.push(IAC, WONT, byte);
        if (state.verb === WILL) answer.push(IAC, DONT, byte);
        this.#state = TEXT;
        return false;
      case 'subnegotiation': {
        const over = (state.afterIac && byte === SUBNEGOTIATION_END) || state.left === 0;
        this.#state = over
          ? TEXT
          : { kind: 'subnegotiation', left: state.left - 1, afterIac: !state.afterIac && byte === IAC };
        return false;
      }
    }
  }
}
