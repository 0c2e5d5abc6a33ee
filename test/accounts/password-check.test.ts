import test from 'ava';
import { PasswordCheck } from '../../src/accounts/password-check.ts';
import { hashPassword } from '../../src/accounts/password-hash.ts';

const first = await hashPassword('first');
const second = await hashPassword('second');

test('a password that was right is remembered for that very hash, and for a while', async (t) => {
  let now = 0;
  const check = new PasswordCheck(() => now);
  t.is(await check.check('anna', 'first', first), 'right');
  t.is(await check.check('anna', 'first', second), 'wrong', 'the password was changed');
  t.is(await check.check('anna', 'first', null), 'wrong', 'the user is gone');
  t.is(await check.check('anna', 'second', first), 'wrong');
  now = 11 * 60_000;
  t.is(await check.check('anna', 'first', first), 'right');
});

test('more logins at once than can wait are told to come again; those that wait get their answer', async (t) => {
  const check = new PasswordCheck();
  const verdicts = await Promise.all(
    Array.from({ length: 80 }, (_, index) => check.check(`user${index}`, 'second', second)),
  );
  t.is(verdicts.filter((verdict) => verdict === 'busy').length, 80 - 66);
  t.is(verdicts.filter((verdict) => verdict === 'right').length, 66);
  t.is(await check.check('another', 'second', second), 'right', 'all places are free again');
  // Remembered: no place is needed.
  const again = await Promise.all(Array.from({ length: 500 }, () => check.check('user1', 'second', second)));
  t.true(again.every((verdict) => verdict === 'right'));
});
