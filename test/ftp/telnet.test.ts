import test from 'ava';
import { TelnetFilter } from '../../src/ftp/telnet.ts';

const [IAC, DONT, DO, WONT, WILL, SB, IP, AO, DM, SE] = [255, 254, 253, 252, 251, 250, 244, 245, 242, 240];

function filter(bytes: readonly (number | string)[], everyByte: boolean): { text: string; answer: number[] } {
  const all = Buffer.concat(
    bytes.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))),
  );
  const telnet = new TelnetFilter();
  const chunks = everyByte ? [...all].map((byte) => Buffer.from([byte])) : [all];
  const results = chunks.map((chunk) => telnet.push(chunk));
  return {
    text: Buffer.concat(results.map((result) => result.bytes)).toString('latin1'),
    answer: results.flatMap((result) => [...(result.answer ?? [])]),
  };
}

const cases: readonly [string, readonly (number | string)[], string, readonly number[]][] = [
  ['plain text passes', ['NOOP\r\n'], 'NOOP\r\n', []],
  ['IAC IP IAC DM before ABOR is swallowed', [IAC, IP, IAC, DM, 'ABOR\r\n'], 'ABOR\r\n', []],
  ['IAC IP IAC and no DM, as Node hands a Synch on', [IAC, IP, IAC, 'ABOR\r\n'], 'ABOR\r\n', []],
  ['IAC IP and a lone DM, as Node hands the Synch of tnftp on', [IAC, IP, DM, 'ABOR\r\n'], 'ABOR\r\n', []],
  ['a lone DM elsewhere is text', ['a', DM, 'b'], 'a\xf2b', []],
  ['IAC AO is swallowed', [IAC, AO, 'ABOR\r\n'], 'ABOR\r\n', []],
  ['DO is answered with WONT', [IAC, DO, 1, 'NOOP\n'], 'NOOP\n', [IAC, WONT, 1]],
  ['WILL is answered with DONT', [IAC, WILL, 3, 'NOOP\n'], 'NOOP\n', [IAC, DONT, 3]],
  ['WONT and DONT are not answered', [IAC, WONT, 3, IAC, DONT, 4, 'NOOP\n'], 'NOOP\n', []],
  ['a doubled IAC is one byte of text', ['a', IAC, IAC, 'b'], 'a\xffb', []],
  ['a subnegotiation is swallowed', ['a', IAC, SB, 24, 'vt100', IAC, SE, 'b'], 'ab', []],
  ['an option whose number looks like a command', [IAC, DO, 255, 'NOOP\n'], 'NOOP\n', [IAC, WONT, 255]],
];

for (const [title, bytes, text, answer] of cases) {
  test(`${title}, in one piece and byte by byte`, (t) => {
    t.deepEqual(filter(bytes, false), { text, answer: [...answer] });
    t.deepEqual(filter(bytes, true), { text, answer: [...answer] });
  });
}

test('a subnegotiation that never ends gives the session back', (t) => {
  const { text } = filter([IAC, SB, 'x'.repeat(600), '\r\nNOOP\r\n'], false);
  t.true(text.endsWith('\r\nNOOP\r\n'));
  t.true(text.length < 200);
});
