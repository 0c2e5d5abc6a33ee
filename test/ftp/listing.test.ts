import test from 'ava';
import { FACTS, factsLine, listLine, nameLine } from '../../src/ftp/listing.ts';
import { formatTimestamp, parseTimestamp } from '../../src/ftp/timestamp.ts';

const now = Date.UTC(2026, 5, 15, 12, 0, 0);
const file = {
  path: '/d/a "b" ',
  kind: 'file',
  size: 5,
  sha256: 'ab',
  mtime: Date.UTC(2026, 5, 1, 8, 9, 10),
} as const;
const directory = {
  path: '/d',
  kind: 'directory',
  size: 0,
  sha256: '',
  mtime: Date.UTC(1999, 0, 2),
} as const;

test('LIST looks like ls -l: the time for the last half year, else the year', (t) => {
  t.is(listLine(file, now), '-rw-r--r--    1 ftp      ftp                 5 Jun 01 08:09 a "b" \r\n');
  t.is(listLine(directory, now), 'drwxr-xr-x    2 ftp      ftp                 0 Jan 02  1999 d\r\n');
  t.regex(listLine({ ...file, mtime: now + 3 * 24 * 3600 * 1000 }, now), / Jun 18 {2}2026 /);
});

test('NLST gives the bare name', (t) => {
  t.is(nameLine('a "b" '), 'a "b" \r\n');
});

test('facts are those asked for; size and hash only for files', (t) => {
  t.is(
    factsLine(file, FACTS, 'x y'),
    'type=file;size=5;modify=20260601080910;perm=adfrw;UNIX.mode=0644;x.sha256=ab; x y\r\n',
  );
  t.is(factsLine(directory, FACTS, 'd'), 'type=dir;modify=19990102000000;perm=cdeflmp;UNIX.mode=0755; d\r\n');
  t.is(factsLine(file, [], 'f'), ' f\r\n');
});

test('timestamps are read as RFC 3659 writes them', (t) => {
  t.is(parseTimestamp('20260601080910'), file.mtime);
  t.is(parseTimestamp('20260601080910.5'), file.mtime + 500);
  t.is(parseTimestamp('20260601080910.123456'), file.mtime + 123);
  t.is(parseTimestamp('20240229000000'), Date.UTC(2024, 1, 29));
  t.is(parseTimestamp('19700101000000'), 0);
  for (const bad of [
    '',
    '2026',
    '20260230000000',
    '20261301000000',
    '20260101250000',
    '20260101006000',
    'x',
  ]) {
    t.is(parseTimestamp(bad), null, bad);
  }
  t.is(formatTimestamp(file.mtime), '20260601080910');
});
