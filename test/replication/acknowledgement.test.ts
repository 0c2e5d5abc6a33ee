import test from 'ava';
import { acknowledge, type MemberResult } from '../../src/replication/acknowledgement.ts';

function results(...states: readonly MemberResult['result'][]): MemberResult[] {
  return states.map((result, index) => ({
    name: `odroid-${'abcdefghi'.charAt(index)}`,
    local: index === 0,
    result,
  }));
}

const sentences: readonly [MemberResult['result'][], string][] = [
  [['stored'], 'Stored (1 of 1 members).'],
  [['stored', 'stored', 'stored'], 'Stored on 3 of 3 members.'],
  [['stored', 'stored', 'away'], 'Stored on 2 of 3 members (odroid-c is away and will catch up).'],
  [['stored', 'away', 'away'], 'Stored on this member ONLY (no peer reachable); copies follow.'],
  [['away', 'stored', 'stored'], 'Stored on 2 of 3 members, not on this one yet.'],
  [
    ['away', 'stored', 'away'],
    'Stored on 1 of 3 members, not on this one yet (odroid-c is away and will catch up).',
  ],
  [
    ['stored', 'away', 'refused'],
    'Stored on 1 of 3 members (odroid-b is away and will catch up, odroid-c is refused: see cloudroid status).',
  ],
  [
    ['stored', 'slow', 'behind'],
    'Stored on 1 of 3 members (odroid-b is slow and will catch up, odroid-c is behind and will catch up).',
  ],
];
for (const [states, sentence] of sentences) {
  test(`${states.join(', ')} is told as: ${sentence}`, (t) => {
    t.is(acknowledge('reachable', 'Stored', results(...states)).sentence, sentence);
  });
}

test('each mode asks for as many members as its name says', (t) => {
  const met = (mode: Parameters<typeof acknowledge>[0], ...states: MemberResult['result'][]) =>
    acknowledge(mode, 'Stored', results(...states)).acknowledged;
  t.true(met('reachable', 'stored', 'away', 'away'));
  t.true(met('local', 'stored', 'away', 'away'));
  t.false(met('two', 'stored', 'away', 'away'));
  t.true(met('two', 'stored', 'stored', 'away'));
  t.false(met('two', 'stored'));
  t.false(met('quorum', 'stored', 'stored', 'away', 'away'));
  t.true(met('quorum', 'stored', 'stored', 'stored', 'away'));
  t.false(met('all', 'stored', 'stored', 'away'));
  t.true(met('all', 'stored', 'stored', 'stored'));
});
