/**
 * Which bytes names are on the wire, for one session.
 *
 * UTF-8, and nothing else, unless the setting `nameEncoding` is latin-1. Then bytes that are not valid UTF-8 are taken
 * for Windows-1252 (windows-1252.ts), and a session that has neither said OPTS UTF8 ON nor sent a name in UTF-8 gets its
 * replies and listings in it. Names are kept in UTF-8 always. A line is sent in Windows-1252 only if its bytes, sent back,
 * mean the same name: not those that happen to be valid UTF-8.
 */
import { isUtf8 } from 'node:buffer';
import { decodeWindows1252, encodeWindows1252 } from '../ftp/windows-1252.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class NameEncoding {
  readonly #allowsLatin1: boolean;
  #speaks: 'utf-8' | 'latin-1';

  constructor(setting: 'utf-8' | 'latin-1') {
    this.#allowsLatin1 = setting === 'latin-1';
    this.#speaks = setting;
  }

  /** What the session is spoken to in from now on (OPTS UTF8). False when it cannot be. */
  speak(encoding: 'utf-8' | 'latin-1'): boolean {
    if (encoding === 'latin-1' && !this.#allowsLatin1) return false;
    this.#speaks = encoding;
    return true;
  }

  /** As after connecting (REIN). */
  reset(): void {
    this.#speaks = this.#allowsLatin1 ? 'latin-1' : 'utf-8';
  }

  /** Null for bytes that are no text here. */
  decode(bytes: Uint8Array): string | null {
    if (!isUtf8(bytes)) return this.#allowsLatin1 ? decodeWindows1252(bytes) : null;
    const text = utf8.decode(bytes);
    if (text.length !== bytes.length) this.#speaks = 'utf-8';
    return text;
  }

  /** One or several whole lines as this session understands them. */
  encode(text: string): Buffer {
    if (this.#speaks === 'utf-8') return Buffer.from(text);
    return Buffer.concat(text.split(/(?<=\n)/).map(inLatin1));
  }
}

function inLatin1(line: string): Buffer {
  const bytes = encodeWindows1252(line);
  return bytes === null || isUtf8(bytes) ? Buffer.from(line) : bytes;
}
