import test from 'ava';
import { LoginThrottle } from '../../src/proxy/limits/login-throttle.ts';
import { RawClient } from './raw-client.ts';
import { until, withProxy } from './with-proxy.ts';

test('guest/guest logs in, nobody else; every user name gets the same answers', async (t) => {
  const { connect } = await withProxy(t);
  const answers = new Set<string>();
  for (const user of ['guest', 'root', 'anonymous', 'x y']) {
    const client = await connect();
    const asked = await client.command(`USER ${user}`);
    answers.add(`${asked.text} / ${(await client.command('PASS wrong')).text}`);
    t.is((await client.command('PWD')).code, 530);
  }
  t.is(answers.size, 1);
  const right = await connect();
  await right.command('USER guest');
  t.is((await right.command('PASS guest')).code, 230);
  for (const [user, password] of [
    ['guest', 'Guest'],
    ['guest', ''],
    ['', 'guest'],
    ['GUEST', 'guest'],
    ['guest', 'guest '],
  ] as const) {
    const wrong = await connect();
    await wrong.command(`USER ${user}`);
    t.not((await wrong.command(`PASS ${password}`)).code, 230);
  }
});

test('five wrong passwords end the connection, REIN does not start the count again', async (t) => {
  const { connect, log } = await withProxy(t);
  const client = await connect();
  const codes: number[] = [];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await client.command('REIN');
    await client.command('USER guest');
    codes.push((await client.command('PASS secret-word')).code);
  }
  t.deepEqual(codes, [530, 530, 530, 530, 421]);
  await client.closed();
  t.is(log.filter(({ level, message }) => level === 'warn' && message === 'login failed').length, 5);
  t.notRegex(JSON.stringify(log), /secret-word/);
});

test('wrong passwords delay the next ones from that address, up to a limit, until time forgives', (t) => {
  let now = 0;
  const throttle = new LoginThrottle(250, () => now);
  const delays: number[] = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    delays.push(throttle.delayMs('a'));
    throttle.failed('a');
  }
  t.deepEqual(delays, [0, 250, 500, 1000, 2000, 4000, 5000, 5000]);
  t.is(throttle.delayMs('b'), 0);
  now = 10 * 60_000;
  t.is(throttle.delayMs('a'), 0);
  for (let index = 0; index < 20_000; index += 1) throttle.failed(`address ${index}`);
  t.is(throttle.delayMs('address 0'), 0, 'the oldest is forgotten, memory is bounded');
  t.is(throttle.delayMs('address 19999'), 250);
});

test('REIN logs out and forgets; a new login starts at the root', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  await client.command('MKD d');
  await client.command('CWD d');
  t.is((await client.command('REIN')).code, 220);
  t.is((await client.command('PWD')).code, 530);
  await client.command('USER guest');
  t.is((await client.command('PASS guest')).code, 230);
  t.regex((await client.command('PWD')).text, /^257 "\/" /);
});

test('who does not log in in time is sent away with 421, who did stays', async (t) => {
  const { connect, login } = await withProxy(t, { limits: { loginMs: 100 } });
  const silent = await connect();
  const user = await login();
  t.is((await silent.reply()).code, 421);
  await silent.closed();
  t.is((await user.command('NOOP')).code, 200);
});

test('a session that says nothing ends with 421, one that transfers does not', async (t) => {
  const { login, stored } = await withProxy(t, { idleTimeoutSeconds: 0.15 });
  const busy = await login();
  const data = await busy.dataConnection();
  t.is((await busy.command('STOR f')).code, 150);
  data.write('a');
  const idle = await login();
  t.is((await idle.reply()).code, 421);
  await idle.closed();
  const second = await login();
  t.is((await second.reply()).code, 421);
  data.end('b');
  t.is((await busy.reply()).code, 226);
  t.is(await stored('f'), 'ab');
});

test('too many sessions, in all and from one address, are turned away with 421; a place becomes free again', async (t) => {
  const { port, proxy } = await withProxy(t, { maxSessions: 3, maxSessionsPerAddress: 2 });
  const open = async (localAddress: string) => {
    const client = await RawClient.connect(port, { localAddress, greeting: false });
    t.teardown(() => client.destroy());
    return { client, code: (await client.reply()).code };
  };
  const first = await open('127.0.0.1');
  t.is(first.code, 220);
  t.is((await open('127.0.0.1')).code, 220);
  t.is((await open('127.0.0.1')).code, 421);
  t.is((await open('127.0.0.2')).code, 220);
  const refused = await open('127.0.0.3');
  t.is(refused.code, 421);
  await refused.client.closed();
  first.client.destroy();
  await until(() => proxy.counts().sessions === 2);
  t.is((await open('127.0.0.3')).code, 220);
});

test('a login, a transfer and a change are one line of the log each, without the password', async (t) => {
  const { login, log } = await withProxy(t);
  const client = await login();
  await client.upload('STOR f', 'hello');
  await client.download('RETR f');
  await client.command('RNFR f');
  await client.command('RNTO g');
  await client.command('DELE g');
  const common = { client: '127.0.0.1', user: 'guest' };
  const told = log.filter(({ level }) => level === 'info');
  t.like(told, {
    length: 5,
    0: { message: 'logged in', details: common },
    1: { message: 'stored', details: { ...common, command: 'STOR', path: '/f', bytes: 5, members: '1/1' } },
    2: { message: 'sent', details: { ...common, command: 'RETR', path: '/f', bytes: 5 } },
    3: { message: 'changed', details: { ...common, command: 'RNTO', path: '/f', to: '/g', members: '1/1' } },
    4: { message: 'changed', details: { ...common, command: 'DELE', path: '/g' } },
  });
  for (const { details } of told.slice(1)) t.is(typeof details['seconds'], 'number');
});

test('what a client can be refused for as fast as it asks is no line of the log', async (t) => {
  const { login, put, log } = await withProxy(t);
  await put('f', 'x');
  const client = await login();
  const before = log.filter(({ level }) => level !== 'debug').length;
  for (const [line, code] of [
    ['LIST', 425],
    ['NLST missing', 550],
    ['RETR f', 425],
    ['RETR missing', 550],
    ['STOR f', 425],
    ['APPE f', 425],
    ['STOU', 425],
    ['DELE missing', 550],
    ['NOSUCH', 500],
  ] as const) {
    t.is((await client.command(line)).code, code, line);
  }
  for (let count = 0; count < 20; count += 1) {
    t.is((await client.command('PORT 10,0,0,1,4,4')).code, 500);
    t.is((await client.command(`EPRT |1|10.0.0.${count}|5000|`)).code, 500);
  }
  t.deepEqual(
    log
      .filter(({ level }) => level !== 'debug')
      .slice(before)
      .map(({ message }) => message),
    ['refused a data connection to another address'],
    'that is told, once for a session',
  );
});
