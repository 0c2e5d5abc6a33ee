import test from 'ava';
import { PasswordCheck } from '../../src/accounts/password-check.ts';
import { hashPassword } from '../../src/accounts/password-hash.ts';

const first = await hashPassword('first');
const second = await hashPassword('second');
const HERE = '192.0.2.1';

test('a password that was right is remembered for that very hash, and for a while', async (t) => {
  let now = 0;
  const check = new PasswordCheck(() => now);
  t.is(await check.check('anna', 'first', first, HERE), 'right');
  t.is(await check.check('anna', 'first', second, HERE), 'wrong', 'the password was changed');
  t.is(await check.check('anna', 'first', null, HERE), 'wrong', 'the user is gone');
  t.is(await check.check('anna', 'second', first, HERE), 'wrong');
  now = 11 * 60_000;
  t.is(await check.check('anna', 'first', first, HERE), 'right');
});

test('more logins at once than can wait are told to come again; those that wait get their answer', async (t) => {
  const check = new PasswordCheck();
  const verdicts = await Promise.all(
    Array.from({ length: 80 }, (_, index) => check.check(`user${index}`, 'second', second, HERE)),
  );
  t.is(verdicts.filter((verdict) => verdict === 'busy').length, 80 - 66);
  t.is(verdicts.filter((verdict) => verdict === 'right').length, 66);
  t.is(await check.check('another', 'second', second, HERE), 'right', 'all places are free again');
  // Remembered: no place is needed.
  const again = await Promise.all(
    Array.from({ length: 500 }, () => check.check('user1', 'second', second, HERE)),
  );
  t.true(again.every((verdict) => verdict === 'right'));
});

test('what is asked by many at once is computed once, and answered to all', async (t) => {
  const check = new PasswordCheck();
  const ask = (password: string) =>
    Promise.all(Array.from({ length: 300 }, () => check.check('anna', password, second, HERE)));
  const [right, wrong, nobody] = await Promise.all([
    ask('second'),
    ask('first'),
    Promise.all(Array.from({ length: 300 }, () => check.check('nobody', 'first', null, HERE))),
  ]);
  t.deepEqual([...new Set(right)], ['right']);
  t.deepEqual([...new Set(wrong)], ['wrong']);
  t.deepEqual([...new Set(nobody)], ['wrong']);
});

test('one address that guesses for ever is busy with itself: others are checked meanwhile', async (t) => {
  const check = new PasswordCheck();
  let guesses = 0;
  const guessing = Array.from({ length: 200 }, async (_, index) => {
    const verdict = await check.check('anna', `guess ${index}`, second, 'guesser');
    guesses += 1;
    return verdict;
  });
  for (let other = 0; other < 5; other += 1)
    t.is(await check.check('anna', 'second', second, `192.0.2.${other}`), 'right');
  t.true(guesses < 200, `${guesses} of its own were answered by then`);
  const verdicts = await Promise.all(guessing);
  t.false(verdicts.includes('right'));
  t.true(verdicts.includes('busy'));
});
