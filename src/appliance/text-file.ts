/**
 * A text file that somebody wrote with whatever editor a PC has: UTF-8 with or without byte order mark, UTF-16 ("Unicode" in
 * older Windows Notepad) with or without one, or Windows-1252. Given back in the encoding that it came in.
 */

export interface DecodedText {
  /** Without byte order mark. */
  readonly text: string;
  /** Another text for the same file. */
  readonly encode: (text: string) => Buffer;
}

const utf8Mark = Buffer.from([0xef, 0xbb, 0xbf]);

function swapped(bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16();
}

/** Every second byte of settings in UTF-16 is zero; in no other encoding is any. */
function utf16Kind(bytes: Buffer): 'little' | 'big' | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'little';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'big';
  if (bytes.length >= 4 && bytes[0] !== 0 && bytes[1] === 0 && bytes[3] === 0) return 'little';
  if (bytes.length >= 4 && bytes[0] === 0 && bytes[1] !== 0 && bytes[2] === 0) return 'big';
  return null;
}

export function decodeText(bytes: Buffer): DecodedText {
  const kind = utf16Kind(bytes);
  if (kind !== null) {
    const little = kind === 'little' ? bytes : swapped(bytes);
    const text = little.toString('utf16le').replace(/^\uFEFF/, '');
    const encode = (next: string): Buffer => {
      const encoded = Buffer.from(`\uFEFF${next}`, 'utf16le');
      return kind === 'little' ? encoded : swapped(encoded);
    };
    return { text, encode };
  }
  const marked = bytes.subarray(0, 3).equals(utf8Mark);
  const body = marked ? bytes.subarray(3) : bytes;
  const text = body.toString('utf8');
  if (!text.includes('\uFFFD')) {
    return {
      text,
      encode: (next) => Buffer.concat([marked ? utf8Mark : Buffer.alloc(0), Buffer.from(next)]),
    };
  }
  return { text: body.toString('latin1'), encode: (next) => Buffer.from(next, 'latin1') };
}
