import test from 'ava';
import { decodeWindows1252, encodeWindows1252 } from '../../src/ftp/windows-1252.ts';

test('every byte is a character of its own and comes back', (t) => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const text = decodeWindows1252(all);
  t.is(new Set(text).size, 256);
  t.deepEqual(encodeWindows1252(text), Buffer.from(all));
});

test('the characters that ISO 8859-1 lacks are those of Windows', (t) => {
  t.is(decodeWindows1252(Uint8Array.of(0x80, 0x85, 0x96, 0xe4, 0xff)), '\u20ac\u2026\u2013\u00e4\u00ff');
  t.is(decodeWindows1252(Uint8Array.of(0x81, 0x8d, 0x8f, 0x90, 0x9d)), '\u0081\u008d\u008f\u0090\u009d');
});

test('what is not in it cannot be said in it', (t) => {
  for (const text of ['\u0080', '\u0100', 'e\u0301', '\u{1f4be}', '\u4e2d'])
    t.is(encodeWindows1252(text), null);
});
