/** --logins-per-minute, --max-sessions-per-user, --login-timeout-seconds. */
import test from 'ava';
import { LoginRate } from '../../src/proxy/limits/login-rate.ts';
import { RawClient } from './raw-client.ts';
import { until, withProxy } from './with-proxy.ts';

async function tryLogin(client: RawClient, password = 'guest'): Promise<number> {
  await client.command('USER guest');
  return (await client.command(`PASS ${password}`)).code;
}

test('an address may log in so many times in a minute, right or wrong; then it is sent away', async (t) => {
  const { connect } = await withProxy(t, { loginsPerMinute: 3 });
  const first = await connect();
  t.is(await tryLogin(first, 'wrong'), 530);
  t.is(await tryLogin(first), 230);
  t.is((await first.command('PASS again')).code, 230, 'no login, hence not counted');
  const second = await connect();
  t.is(await tryLogin(second), 230);
  const third = await connect();
  t.is(await tryLogin(third), 421);
  await third.closed();
  t.is((await second.command('PWD')).code, 257, 'who is in stays in');
  const elsewhere = await connect({ localAddress: '127.0.0.9' });
  t.is(await tryLogin(elsewhere), 230);
});

test('a camera that logs in for each picture is not hit by the default', async (t) => {
  const { connect } = await withProxy(t);
  for (let picture = 0; picture < 60; picture += 1) {
    const camera = await connect();
    t.is(await tryLogin(camera), 230);
    await camera.command('QUIT');
  }
});

test('the minute of logins slides, tries that were refused do not count, and memory is bounded', (t) => {
  let now = 30_000;
  const rate = new LoginRate(10, () => now);
  const taken = (times: number, address = 'a') =>
    Array.from({ length: times }, () => rate.take(address)).filter(Boolean).length;
  t.is(taken(20), 10);
  now = 59_999;
  t.is(taken(1), 0);
  now = 60_000;
  t.is(taken(100), 0, 'a new minute of the clock is no new minute for the client');
  now = 90_000;
  t.is(taken(100), 5);
  now = 180_000;
  t.is(taken(100), 10);
  t.is(taken(1, 'b'), 1);
  now = 1_000_000;
  t.is(taken(100, '2001:db8::1'), 10);
  t.is(taken(1, '2001:db8::2'), 0, 'one /64 is one address');
  t.is(taken(100, 'old'), 10);
  for (let index = 0; index < 10_000; index += 1) rate.take(`address ${index}`);
  t.is(taken(100, 'old'), 10, 'the one that was silent longest is forgotten');
});

test('a user may have so many sessions; each that logs out or ends makes place', async (t) => {
  const { connect, proxy } = await withProxy(t, { maxSessionsPerUser: 2 });
  const [first, second] = [await connect(), await connect()];
  t.is(await tryLogin(first), 230);
  t.is(await tryLogin(second), 230);
  const third = await connect();
  t.is(await tryLogin(third, 'wrong'), 530, 'who does not know the password learns nothing');
  t.is(await tryLogin(third), 421);
  await third.closed();

  await second.command('REIN');
  const fourth = await connect();
  t.is(await tryLogin(fourth), 230);
  t.is(await tryLogin(second), 421);

  fourth.destroy();
  await until(() => proxy.counts().sessions === 1);
  const fifth = await connect();
  t.is(await tryLogin(fifth), 230);
  t.is((await first.command('PWD')).code, 257);
});

test('USER in a session that was logged in gives its place back', async (t) => {
  const { connect } = await withProxy(t, { maxSessionsPerUser: 1 });
  const first = await connect();
  t.is(await tryLogin(first), 230);
  t.is(await tryLogin(first), 230, 'its own place does not stand in its way');
  await first.command('USER somebody');
  t.is(await tryLogin(await connect()), 230);
});

test('the time for a login is what the settings say; who is in may take his time', async (t) => {
  const { connect, login } = await withProxy(t, { loginTimeoutSeconds: 1 });
  const inTime = await login();
  const late = await connect();
  t.is((await late.reply()).code, 421);
  await late.closed();
  t.is((await inTime.command('PWD')).code, 257);
});

test('a crowd of sessions that log in at once under one account all get in', async (t) => {
  const { addUser, port } = await withProxy(t, { maxSessions: 200, maxSessionsPerAddress: 200 });
  await addUser('anna', 'secret');
  const clients = await Promise.all(
    Array.from({ length: 150 }, () => RawClient.loggedIn(port, { user: 'anna', password: 'secret' })),
  );
  t.teardown(() => {
    for (const client of clients) client.destroy();
  });
  t.is(clients.length, 150);
});

test('an address that guesses on a hundred connections at once keeps nobody else out', async (t) => {
  const { addUser, connect, port } = await withProxy(t, { maxSessions: 200, maxSessionsPerAddress: 200 });
  await addUser('anna', 'secret');
  await addUser('bert', 'secret');
  const guessers = await Promise.all(
    Array.from({ length: 100 }, () => connect({ localAddress: '127.0.0.9' })),
  );
  for (const guesser of guessers) await guesser.command('USER anna');
  for (const [index, guesser] of guessers.entries()) guesser.send(`PASS guess ${index}\r\n`);
  const answered = () => guessers.filter(({ heard }) => /^(530|421) /m.test(heard)).length;
  await until(() => answered() > 0);
  for (const user of ['anna', 'bert']) {
    (await RawClient.loggedIn(port, { user, password: 'secret' })).destroy();
    t.true(answered() < guessers.length, `${user} did not have to wait for all of the guesses`);
  }
  await until(() => answered() === guessers.length);
  t.false(guessers.some(({ heard }) => heard.includes('230 ')));
});
