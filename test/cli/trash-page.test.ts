import test from 'ava';
import { entryFor } from '../../src/cli/trash.ts';
import { shortIdLength, trashPage } from '../../src/cli/trash-page.ts';
import type { TrashEntry } from '../../src/peers/protocol-attic.ts';

function entry(id: string, more: Partial<TrashEntry> = {}): TrashEntry {
  return { id, path: `/${id}`, size: 2048, at: Date.UTC(2026, 0, 2, 12), why: 'deleted', ...more };
}

const entries = [
  entry('aaaaaaaaaa11'),
  entry('aaaaaaaaaa22', { why: 'replaced' }),
  entry('bbbbbbbbbbbb', { path: '', why: 'unknown' }),
];

test('ids are as long as it takes to tell them apart, and no shorter than six letters', (t) => {
  t.is(shortIdLength([]), 6);
  t.is(shortIdLength(['123456789', '223456789']), 6);
  t.is(shortIdLength(['c', '1234567x9', '1234567y9', 'b']), 8);
});

test('the page tells when, how big, why and where it was', (t) => {
  const page = trashPage(entries);
  t.regex(page, /^ID +WHEN +SIZE +WHY +PATH$/m);
  t.regex(page, /^aaaaaaaaaa1 +2026-01-0\d \d\d:\d\d +2\.0 KiB +deleted +\/aaaaaaaaaa11$/m);
  t.regex(page, /^bbbbbbbbbbb .*unknown +\(nobody knows where it was\)$/m);
  t.regex(page, /^3 files, 6\.0 KiB\./m);
  t.is(trashPage([]), 'The trash is empty.\n');
  t.false(trashPage([entry('x', { path: '/\u001b[2J' })]).includes('\u001b'));
});

test('the beginning of an id is enough when only one begins like that', (t) => {
  t.is(entryFor(entries, 'b').id, 'bbbbbbbbbbbb');
  t.is(entryFor(entries, 'aaaaaaaaaa2').id, 'aaaaaaaaaa22');
  t.throws(() => entryFor(entries, 'aaa'), {
    message: /2 ids begin with aaa: aaaaaaaaaa1 \(\/aaaaaaaaaa11\), aaaaaaaaaa2/,
  });
  t.throws(() => entryFor(entries, 'zzz'), { message: /Nothing in the trash has the id zzz/ });
  t.is(entryFor([entry('aa'), entry('aaa')], 'aa').id, 'aa', 'a whole id is that one');
});
