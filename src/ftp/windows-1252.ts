/**
 * Names of devices that know nothing of UTF-8. What they call Latin-1 is Windows-1252 in practice: the two differ only in
 * 0x80-0x9F, where ISO 8859-1 has control characters, which no name may have, and Windows the euro sign, dashes and quotes
 * (the WHATWG Encoding standard takes the label latin1 for windows-1252 too). Its five empty places stay the control
 * characters they are in ISO 8859-1, so command.ts refuses them. A table of our own: TextDecoder of Node has confused the
 * two encodings in some versions.
 */
const FIRST = 0x80;
const UPPER = [
  0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d,
  0x017d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a,
  0x0153, 0x9d, 0x017e, 0x0178,
];
const byteOf = new Map(UPPER.map((point, index) => [point, FIRST + index]));

/** Every byte is a character. */
export function decodeWindows1252(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(UPPER[byte - FIRST] ?? byte);
  return text;
}

/** Null when a character is not in it. */
export function encodeWindows1252(text: string): Buffer | null {
  const bytes = Buffer.allocUnsafe(text.length);
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    const plain = unit < FIRST || (unit >= FIRST + UPPER.length && unit <= 0xff);
    const byte = plain ? unit : byteOf.get(unit);
    if (byte === undefined) return null;
    bytes[index] = byte;
  }
  return bytes;
}
