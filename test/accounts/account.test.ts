import test from 'ava';
import {
  type Account,
  formatAccount,
  isHome,
  isSameLogin,
  parseAccount,
} from '../../src/accounts/account.ts';
import { hashPassword, isPassword, isPasswordHash } from '../../src/accounts/password-hash.ts';

const hash = await hashPassword('correct horse');
const anna: Account = {
  name: 'anna',
  password: hash,
  home: '/anna/files',
  rights: 'upload-only',
  quotaBytes: 5 * 2 ** 30,
  changedAt: 1_700_000_000_000,
};

test('what is written is read again', (t) => {
  t.deepEqual(parseAccount('anna', formatAccount(anna)), anna);
  const bare: Account = { ...anna, password: null, home: '/', rights: 'full', quotaBytes: null };
  t.deepEqual(parseAccount('anna', formatAccount(bare)), bare);
});

test('nothing that is not a whole account of this format is one', (t) => {
  const text = formatAccount(anna);
  for (let end = 0; end < text.length - 1; end += 1) t.is(parseAccount('anna', text.slice(0, end)), null);
  const value = JSON.parse(text) as { [key: string]: unknown };
  for (const key of Object.keys(value)) {
    for (const other of [undefined, 7.5, 'x', [], {}, true]) {
      const changed = JSON.stringify({ ...value, [key]: other });
      if (key === 'changedAt' && other === 7.5) continue;
      t.is(parseAccount('anna', changed), null, `${key} = ${String(other)}`);
    }
  }
  for (const other of ['', 'null', '[]', '"x"', '{}']) t.is(parseAccount('anna', other), null);
  for (const home of ['', 'anna', '/a/', '/a//b', '/a/../b', '/.', '/.cloudroid/users', '/x/.CLOUDROID']) {
    t.is(parseAccount('anna', JSON.stringify({ ...value, home })), null, home);
    t.false(isHome(home));
  }
  t.is(parseAccount('anna', JSON.stringify({ ...value, format: 2 })), null);
  t.is(parseAccount('anna', JSON.stringify({ ...value, quotaBytes: -1 })), null);
});

test('only the right password is right', async (t) => {
  t.true(await isPassword('correct horse', hash));
  for (const wrong of ['', 'correct', 'correct horse ', 'Correct horse']) {
    t.false(await isPassword(wrong, hash));
  }
  t.not((await hashPassword('correct horse')).hash, hash.hash, 'salted');
  const long = 'x'.repeat(300);
  t.false(await isPassword(long, await hashPassword(long)), 'only the first bytes would count');
});

test('a hash from elsewhere cannot make one login cost more than 64 MiB', (t) => {
  t.true(isPasswordHash(hash));
  for (const costly of [
    { cost: 2 ** 20 },
    { blockSize: 64 },
    { parallelization: 17 },
    { cost: 3 },
    { cost: 1 },
  ]) {
    t.false(isPasswordHash({ ...hash, ...costly }), JSON.stringify(costly));
  }
  t.false(isPasswordHash({ ...hash, hash: hash.hash.slice(0, 8) }), 'a short hash is guessed at once');
});

test('a new password or home folder ends sessions, new rights and quota do not', async (t) => {
  t.true(isSameLogin(anna, { ...anna, rights: 'full', quotaBytes: null, changedAt: 1 }));
  t.false(isSameLogin(anna, { ...anna, home: '/' }));
  t.false(isSameLogin(anna, { ...anna, password: await hashPassword('correct horse') }));
  t.false(isSameLogin(anna, { ...anna, password: null }));
  t.false(isSameLogin(anna, null));
});
