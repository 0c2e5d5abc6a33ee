import test from 'ava';
import { LineReader } from '../../src/ftp/line-reader.ts';

const LONGEST_LINE_BYTES = 1024;

function read(chunks: readonly Buffer[]): string[] {
  const reader = new LineReader(LONGEST_LINE_BYTES);
  const lines: string[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let line = reader.next(); line !== null; line = reader.next()) {
      lines.push(line.kind === 'line' ? line.bytes.toString('latin1') : '<too long>');
    }
  }
  return lines;
}

test('CR LF, LF alone and CR NUL CR LF end a line', (t) => {
  t.deepEqual(read([Buffer.from('USER a\r\nPASS b\nNOOP\r\0\r\n\r\nQUIT\r\0\n')]), [
    'USER a',
    'PASS b',
    'NOOP',
    '',
    'QUIT',
  ]);
});

test('lines are the same wherever the bytes are cut', (t) => {
  const bytes = Buffer.from(`STOR ä ö\r\n${'x'.repeat(LONGEST_LINE_BYTES + 1)}\r\nNOOP\n\nQUIT\r\n`);
  const whole = read([bytes]);
  t.deepEqual(whole.slice(1), ['<too long>', 'NOOP', '', 'QUIT']);
  for (const at of [
    ...Array(20).keys(),
    LONGEST_LINE_BYTES + 11,
    LONGEST_LINE_BYTES + 12,
    LONGEST_LINE_BYTES + 15,
  ]) {
    t.deepEqual(read([bytes.subarray(0, at), bytes.subarray(at)]), whole, `cut at ${at}`);
  }
  t.deepEqual(read([...bytes].map((byte) => Buffer.from([byte]))), whole);
});

test('a line of exactly the limit is a line, one byte more is not', (t) => {
  const fits = 'x'.repeat(LONGEST_LINE_BYTES);
  t.deepEqual(read([Buffer.from(`${fits}\n${fits}x\nNOOP\n`)]), [fits, '<too long>', 'NOOP']);
});

test('an endless line is told once and not kept', (t) => {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const reader = new LineReader(LONGEST_LINE_BYTES);
  const seen: string[] = [];
  for (let round = 0; round < 64; round += 1) {
    reader.push(chunk);
    for (let line = reader.next(); line !== null; line = reader.next()) seen.push(line.kind);
    t.true(reader.drained);
  }
  t.deepEqual(seen, []);
  reader.push(Buffer.from('\nNOOP\n'));
  t.is(reader.next()?.kind, 'too-long');
  t.is(reader.next()?.kind, 'line');
  t.is(reader.next(), null);
});

test('ABOR whose LF was sent as urgent data is a line, and a late LF is no empty one', (t) => {
  t.deepEqual(read([Buffer.from('ABOR\r'), Buffer.from('NOOP\r\n')]), ['ABOR', 'NOOP']);
  t.deepEqual(read([Buffer.from('ABOR\r'), Buffer.from('\nNOOP\r\n')]), ['ABOR', 'NOOP']);
  t.deepEqual(read([Buffer.from('STOR\r'), Buffer.from('\nNOOP\r\n')]), ['STOR', 'NOOP']);
});
