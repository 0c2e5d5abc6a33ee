import test from 'ava';
import { conflictPath, originalPath } from '../../src/replication/conflict-name.ts';
import { record } from './records.ts';

const STAMP = Date.UTC(2026, 10, 23, 5, 21, 1, 123);

test('a conflict name tells when, by which member and which write, and keeps the extension', (t) => {
  const loser = record('odroid-a-3f9c.7d2e4b1a', 12, { path: '/docs/report.txt', stamp: STAMP });
  t.is(conflictPath(loser), '/docs/report.conflict-20261123T052101.123Z-odroid-a-3f9c-7d2e4b1a12.txt');
});

test('names that begin with a dot or have none keep their whole stem', (t) => {
  t.true(conflictPath(record('a.1', 1, { path: '/.profile' })).startsWith('/.profile.conflict-'));
  t.true(conflictPath(record('a.1', 1, { path: '/Makefile' })).startsWith('/Makefile.conflict-'));
});

test('a long name is cut between two characters to 255 bytes; the mark stays whole', (t) => {
  for (let padding = 0; padding < 4; padding += 1) {
    const name = `${'x'.repeat(padding)}${'ß€🙂'.repeat(30)}`.slice(0, 100);
    const conflict = conflictPath(
      record('odroid-a-3f9c.7d2e4b1a', 1, { path: `/${name}.jpeg`, stamp: STAMP }),
    ).slice(1);
    t.true(Buffer.byteLength(conflict) <= 255);
    t.true(conflict.isWellFormed());
    t.true(conflict.endsWith('.conflict-20261123T052101.123Z-odroid-a-3f9c-7d2e4b1a1.jpeg'));
  }
});

test('a stamp outside the calendar still makes a name', (t) => {
  t.regex(conflictPath(record('a.1', 1, { stamp: 9e15 })), /conflict-9000000000000000-a-11\.txt$/);
});

test('two writes never share a conflict name', (t) => {
  const names = ['a.1', 'b.1'].flatMap((actor) =>
    [1, 2].map((seq) => conflictPath(record(actor, seq, { stamp: 5 }))),
  );
  t.is(new Set(names).size, names.length);
});

test('a conflict name leads back to the path it was made from', (t) => {
  const paths = [
    '/report.txt',
    '/docs/my.report.v2.txt',
    '/.profile',
    '/Makefile',
    '/a.conflict-of-interest.txt',
    '/ß€🙂',
  ];
  for (const path of paths) {
    for (const stamp of [STAMP, 0, 9e15, Date.UTC(12_026, 0), -1e15]) {
      const conflict = conflictPath(record('odroid-a-3f9c.7d2e4b1a', 120, { path, stamp }));
      t.deepEqual(originalPath(conflict), { path, cut: false }, conflict);
    }
  }
});

test('a copy of a copy leads back to the first of them', (t) => {
  const copy = conflictPath(record('odroid-a-3f9c.7d2e4b1a', 1, { path: '/d/report.txt', stamp: STAMP }));
  const again = conflictPath(record('*odroid-a-3f9c.7d2e4b1a', 1, { path: copy, stamp: STAMP }));
  t.deepEqual(originalPath(again), { path: '/d/report.txt', cut: false });
});

test('a conflict name that somebody gave a file by hand, and that lost in its turn, is not led back further', (t) => {
  const byHand = conflictPath(record('a.1', 1, { path: '/report.txt', stamp: STAMP }));
  const copy = conflictPath(record('odroid-b-0001.00000000', 7, { path: byHand, stamp: STAMP }));
  t.deepEqual(originalPath(copy), { path: byHand, cut: false });
});

test('a name that was cut says so, an ordinary name has no origin', (t) => {
  const long = `/${'x'.repeat(250)}.txt`;
  const origin = originalPath(
    conflictPath(record('odroid-a-3f9c.7d2e4b1a', 1, { path: long, stamp: STAMP })),
  );
  t.true(origin?.cut);
  t.true(long.startsWith(origin?.path.slice(0, -4) ?? '?'));
  for (const path of ['/report.txt', '/a.conflict-of-interest.txt', '/x.conflict-1-a', '/']) {
    t.is(originalPath(path), null, path);
  }
});
