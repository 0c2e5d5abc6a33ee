import { isUtf8 } from 'node:buffer';
import test from 'ava';
import { parseCommand } from '../../src/ftp/command.ts';

const utf8 = (bytes: Buffer) => (isUtf8(bytes) ? bytes.toString() : null);
const parse = (text: string | Buffer) => parseCommand(Buffer.from(text as string), utf8);

test('the name is upper case, the argument unchanged', (t) => {
  t.deepEqual(parse('stor  a b '), { kind: 'command', name: 'STOR', argument: ' a b ' });
  t.deepEqual(parse('NOOP'), { kind: 'command', name: 'NOOP', argument: '' });
  t.deepEqual(parse('DELE x -z "y"'), { kind: 'command', name: 'DELE', argument: 'x -z "y"' });
  t.deepEqual(parse('STOR \ufeffx'), { kind: 'command', name: 'STOR', argument: '\ufeffx' });
});

test('NFC and NFD stay what they are', (t) => {
  for (const name of ['\u00e9', 'e\u0301']) t.like(parse(`STOR ${name}`), { argument: name });
});

test('control characters and invalid UTF-8 are bad arguments', (t) => {
  for (const bad of ['\t', '\0', '\u0007', '\u001b[2J', '\u007f', '\u0085', '\r']) {
    t.is(parse(`STOR a${bad}b`).kind, 'bad-argument', JSON.stringify(bad));
  }
  t.is(parse(Buffer.from([...Buffer.from('STOR '), 0xe4, 0x20])).kind, 'bad-argument');
  t.is(parse(Buffer.from([...Buffer.from('STOR '), 0xed, 0xa0, 0x80])).kind, 'bad-argument');
});

test('what is no word is not a command', (t) => {
  for (const line of [
    '',
    '   ',
    '123',
    'GET/ HTTP',
    'A\u0000B',
    '\u00e4\u00f6',
    'ABCDEFGHIJKLMNOPQRSTUVW x',
  ]) {
    t.is(parse(line).kind, 'unintelligible', JSON.stringify(line));
  }
});
