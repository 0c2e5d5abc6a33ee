import test from 'ava';
import { conflictsPage, groupConflicts, planKeep } from '../../src/cli/conflict-groups.ts';
import type { ConflictEntry } from '../../src/peers/protocol-attic.ts';

const copyA = '/d/f.conflict-20261123T052101.123Z-odroid-a-0001-7d2e4b1a12.txt';
const copyB = '/d/f.conflict-20261123T052102.123Z-odroid-b-0002-8d2e4b1a3.txt';

function copy(path: string, more: Partial<ConflictEntry> = {}): ConflictEntry {
  return {
    path,
    original: '/d/f.txt',
    originalKnown: true,
    kind: 'lost',
    size: 5,
    mtime: 1_700_000_000_000,
    member: 'odroid-a-0001',
    ...more,
  };
}

const groups = groupConflicts([
  copy(copyB),
  copy('/s.conflict', { original: '/s', kind: 'shadowed' }),
  copy(copyA),
]);
const file = { kind: 'file', size: 1, mtime: 0 } as const;
const directory = { kind: 'directory', size: 0, mtime: 0 } as const;
const at = (path: string) => (path === '/d/f.txt' ? file : path === '/s' ? directory : null);

test('copies stand with the file they belong to, in order', (t) => {
  t.deepEqual(
    groups.map(({ original, copies }) => [original, ...copies.map(({ path }) => path)]),
    [
      ['/d/f.txt', copyA, copyB],
      ['/s', '/s.conflict'],
    ],
  );
  const page = conflictsPage(groups, at);
  t.regex(
    page,
    /^\/d\/f\.txt {2}\(1 byte, changed 1970-01-01 \d\d:\d\d\)\n {4}\/d\/f\.conflict-.*through odroid-a-0001\)$/m,
  );
  t.regex(page, /^\/s {2}\(a folder\)$/m);
  t.regex(page, /3 conflict copies of 2 files/);
  t.is(conflictsPage([], at), 'No conflicts.\n');
});

test('a name from elsewhere cannot write control characters to the terminal', (t) => {
  const evil = groupConflicts([copy('/\u001b[2Jx', { original: '/\u001b[2J' })]);
  t.false(conflictsPage(evil, at).includes('\u001b'));
});

test('keeping the original deletes its copies', (t) => {
  t.deepEqual(planKeep('/d/f.txt', groups, at), {
    kind: 'operations',
    original: '/d/f.txt',
    operations: [
      { op: 'delete', path: copyA },
      { op: 'delete', path: copyB },
    ],
    replaces: false,
  });
});

test('keeping a copy deletes the others first and gives it the name last', (t) => {
  t.deepEqual(planKeep(copyB, groups, at), {
    kind: 'operations',
    original: '/d/f.txt',
    operations: [
      { op: 'delete', path: copyA },
      { op: 'rename', from: copyB, to: '/d/f.txt' },
    ],
    replaces: true,
  });
});

test('asked again when it is done, nothing is left to do', (t) => {
  const settled = { kind: 'settled', original: '/d/f.txt' };
  t.deepEqual(planKeep(copyB, [], at), settled);
  t.deepEqual(planKeep('/d/f.txt', [], at), settled);
  t.is(planKeep('/d/no-such-file', [], at).kind, 'refused');
  t.is(planKeep('/d', [], () => directory).kind, 'refused');
});

test('what cannot be kept under the original name is left alone', (t) => {
  t.is(planKeep('/s.conflict', groups, at).kind, 'refused', 'a folder has the name');
  t.is(planKeep('/d/f.txt', groups, () => null).kind, 'refused', 'the original is gone');
  const cut = groupConflicts([copy(copyA, { originalKnown: false })]);
  t.is(planKeep(copyA, cut, at).kind, 'refused', 'nobody knows the name');
  t.is(
    planKeep(copyB, groups, () => null).kind,
    'operations',
    'a copy whose original was deleted takes the name',
  );
});

test('keeping the folder deletes the file that it shadows', (t) => {
  t.like(planKeep('/s', groups, at), { operations: [{ op: 'delete', path: '/s.conflict' }] });
});
