/** The judge of `npm run faults` must see each broken promise, and must not see one where none is. */
import test from 'ava';
import { Causality } from '../../scripts/faults/causality.ts';
import { type Change, holdersIn, Journal } from '../../scripts/faults/journal.ts';
import { type Block, provable, readProvable } from '../../scripts/faults/provable.ts';
import { judge } from '../../scripts/faults/verdict.ts';

const MEMBERS = ['a', 'b', 'c'];
let clock = 0;

/** An acknowledged change on all three members, one after the other, unless said otherwise. */
function change(journal: Journal, given: Partial<Change> & Pick<Change, 'verb' | 'path'>): Change {
  clock += 10;
  const made: Change = {
    id: `w.${clock}`,
    client: 'w',
    via: 'a',
    startedAt: clock,
    endedAt: clock + 5,
    outcome: 'acknowledged',
    answer: '226 Stored on 3 of 3 members.',
    holders: 3,
    ofMembers: 3,
    here: true,
    ...given,
  };
  journal.changes.push(made);
  return made;
}

const holding = (path: string, ...changes: readonly Change[]): readonly [string, readonly Block[]] => [
  path,
  changes.map(({ id, path: own }) => ({ id, path: own })),
];

function verdict(journal: Journal, ...files: (readonly [string, readonly Block[] | string])[]): string[] {
  return judge(journal, new Causality(journal, MEMBERS), new Map(files)).map(
    (sentence) => sentence.split(':')[0] ?? '',
  );
}

test('a block that is whole proves itself; cut, changed or mixed it does not', (t) => {
  const [one, two] = [provable('w.1', '/a b', 500), provable('w.2', '/a b', 0)];
  t.deepEqual(readProvable(Buffer.concat([one, two])), [
    { id: 'w.1', path: '/a b' },
    { id: 'w.2', path: '/a b' },
  ]);
  for (let end = 0; end < one.length; end += 1) t.is(typeof readProvable(one.subarray(0, end)), 'string');
  for (let at = 0; at < one.length; at += 1) {
    const rotten = Buffer.from(one);
    rotten[at] = (rotten[at] ?? 0) ^ 1;
    const read = readProvable(rotten);
    t.true(
      typeof read === 'string' || read[0]?.id !== 'w.1' || read[0]?.path !== '/a b',
      `bit of byte ${at}`,
    );
  }
  t.is(typeof readProvable(Buffer.concat([one.subarray(0, 300), two])), 'string');
});

test('the answer tells how many hold it, and whether the member asked does', (t) => {
  t.deepEqual(holdersIn('226 Stored on 2 of 3 members (c is away and will catch up).'), [2, 3, true]);
  t.deepEqual(holdersIn('226 Stored on 2 of 3 members, not on this one yet.'), [2, 3, false]);
  t.deepEqual(holdersIn('226 Stored on this member ONLY (no peer reachable); copies follow.'), [1, 0, true]);
  t.deepEqual(holdersIn('550 No such file.'), [0, 0, false]);
});

test('an acknowledged write that is nowhere is lost, unless something that may have seen it took its place', (t) => {
  const journal = new Journal();
  const old = change(journal, { verb: 'STOR', path: '/n' });
  t.deepEqual(verdict(journal), ['acknowledged and lost']);
  t.deepEqual(verdict(journal, holding('/n', old)), []);
  const young = change(journal, { verb: 'STOR', path: '/n', via: 'b' });
  t.deepEqual(verdict(journal, holding('/n', young)), []);
  t.deepEqual(
    verdict(journal),
    ['acknowledged and lost', 'acknowledged and lost'],
    'they do not excuse each other',
  );
  change(journal, { verb: 'DELE', path: '/n', via: 'c' });
  t.deepEqual(verdict(journal), []);
});

test('an append does not excuse what it should contain', (t) => {
  const journal = new Journal();
  const base = change(journal, { verb: 'STOR', path: '/n' });
  const tail = change(journal, { verb: 'APPE', path: '/n', via: 'b' });
  t.deepEqual(verdict(journal, holding('/n', base, tail)), []);
  t.deepEqual(verdict(journal, holding('/n', tail)), ['acknowledged and lost']);
});

test('a write on the other side of a cut excuses nothing: both must be there', (t) => {
  const journal = new Journal();
  const cuts = MEMBERS.flatMap((from) => MEMBERS.filter((to) => to !== from).map((to) => ({ from, to })));
  for (const cut of cuts) journal.cuts.push({ ...cut, startedAt: clock, endedAt: clock + 1000 });
  const alone = { holders: 1, ofMembers: 0 };
  const one = change(journal, { verb: 'STOR', path: '/n', ...alone });
  const other = change(journal, { verb: 'STOR', path: '/n', via: 'b', ...alone });
  const copy = '/n.conflict-20261123T092254.429Z-a-1';
  t.deepEqual(verdict(journal, holding('/n', other)), ['acknowledged and lost']);
  t.deepEqual(verdict(journal, holding('/n', other), holding(copy, one)), []);
  clock += 2000;
  const healed = change(journal, { verb: 'STOR', path: '/n', via: 'b' });
  t.deepEqual(verdict(journal, holding('/n', healed)), [], 'whoever writes after the cut may have seen both');
});

test('what stands under its name after a deletion by somebody who had it came back', (t) => {
  const journal = new Journal();
  const old = change(journal, { verb: 'STOR', path: '/n' });
  change(journal, { verb: 'DELE', path: '/n', via: 'c' });
  t.deepEqual(verdict(journal, holding('/n', old)), ['came back']);
  const later = new Journal();
  const lonely = change(later, { verb: 'STOR', path: '/n', holders: 1, ofMembers: 0 });
  change(later, { verb: 'DELE', path: '/n', via: 'c' });
  t.deepEqual(verdict(later, holding('/n', lonely)), [], 'c may not have had it');
});

test('a rename leaves nothing under the old name, and a folder is renamed whole or not at all', (t) => {
  const journal = new Journal();
  const [one, two] = [
    change(journal, { verb: 'STOR', path: '/d/1' }),
    change(journal, { verb: 'STOR', path: '/d/2' }),
  ];
  change(journal, { verb: 'RENAME', path: '/d', to: '/e', outcome: 'unknown' });
  t.deepEqual(verdict(journal, holding('/d/1', one), holding('/d/2', two)), []);
  t.deepEqual(verdict(journal, holding('/e/1', one), holding('/e/2', two)), []);
  t.deepEqual(verdict(journal, holding('/d/1', one), holding('/e/2', two)), ['half a rename']);
  const done = new Journal();
  const file = change(done, { verb: 'STOR', path: '/d/1' });
  change(done, { verb: 'RENAME', path: '/d', to: '/e' });
  t.deepEqual(verdict(done, holding('/d/1', file)), ['came back']);
});

test('what was appended to under the old name, where the rename was not known yet, is no half of it', (t) => {
  const journal = new Journal();
  const [one, two] = [
    change(journal, { verb: 'STOR', path: '/d/1' }),
    change(journal, { verb: 'STOR', path: '/d/2' }),
  ];
  change(journal, { verb: 'RENAME', path: '/d', to: '/e', holders: 2, here: false });
  const tail = change(journal, { verb: 'APPE', path: '/d/1' });
  t.deepEqual(verdict(journal, holding('/d/1', one, tail), holding('/e/2', two)), []);
  const known = new Journal();
  const [three, four] = [
    change(known, { verb: 'STOR', path: '/d/3' }),
    change(known, { verb: 'STOR', path: '/d/4' }),
  ];
  change(known, { verb: 'RENAME', path: '/d', to: '/e' });
  const late = change(known, { verb: 'APPE', path: '/d/3' });
  t.deepEqual(verdict(known, holding('/d/3', three, late), holding('/e/4', four)), ['half a rename']);
});

test('torn, mixed, foreign and refused content is named', (t) => {
  const journal = new Journal();
  const one = change(journal, { verb: 'STOR', path: '/n' });
  const two = change(journal, { verb: 'STOR', path: '/n' });
  const refused = change(journal, { verb: 'STOR', path: '/r', outcome: 'refused' });
  t.deepEqual(verdict(journal, holding('/n', one, two)), ['mixed file /n']);
  t.deepEqual(verdict(journal, holding('/n', two), ['/x', 'block w.9 ends early']), ['broken file /x']);
  t.deepEqual(verdict(journal, holding('/n', two), holding('/r', refused)), ['refused but there, in /r']);
  t.deepEqual(verdict(journal, holding('/n', two), ['/x', [{ id: 'z', path: '/x' }]]), [
    '/x holds block z, which nobody wrote',
  ]);
});

test('what only a destroyed disk held may be gone; what two members acknowledged may not', (t) => {
  const journal = new Journal();
  change(journal, { verb: 'STOR', path: '/one', holders: 1, ofMembers: 0 });
  change(journal, { verb: 'STOR', path: '/two', holders: 2 });
  journal.destroyed.set('a', clock + 10);
  t.deepEqual(verdict(journal), ['acknowledged and lost']);
});
