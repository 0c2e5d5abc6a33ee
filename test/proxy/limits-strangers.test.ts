/** --max-sessions is reached: those who have not logged in do not keep out those who want to. */
import test from 'ava';
import { makePlace } from '../../src/proxy/limits/full-house.ts';
import { SessionLimits } from '../../src/proxy/limits/session-limits.ts';
import { RawClient } from './raw-client.ts';
import { until, withProxy } from './with-proxy.ts';

test('in a full house the oldest who has not logged in makes place; who is in stays', async (t) => {
  const { login, connect, proxy } = await withProxy(t, { maxSessions: 3, limits: { strangerMs: 0 } });
  const inside = await login();
  const oldest = await connect();
  const younger = await connect();
  const client = await login();
  t.is((await oldest.reply()).code, 421);
  await oldest.closed();
  t.is((await inside.command('PWD')).code, 257);
  t.is((await client.command('PWD')).code, 257);
  t.is((await younger.command('NOOP')).code, 200);
  t.is(proxy.counts().sessions, 3);
});

test('a crowd of strangers comes and goes, and the count stays right', async (t) => {
  const { port, login, proxy } = await withProxy(t, { maxSessions: 3, limits: { strangerMs: 0 } });
  const inside = await login();
  for (let round = 0; round < 20; round += 1) await RawClient.connect(port);
  t.is(proxy.counts().sessions, 3);
  t.is((await inside.command('PWD')).code, 257);
  const [second, third] = [await login(), await login()];
  const late = await RawClient.connect(port, { greeting: false });
  t.is((await late.reply()).code, 421, 'everybody is logged in');
  for (const client of [inside, second, third]) client.destroy();
  await until(() => proxy.counts().sessions === 0);
});

test('who has come just now is left the time to log in', async (t) => {
  const { port, connect } = await withProxy(t, { maxSessions: 1 });
  const client = await connect();
  const late = await RawClient.connect(port, { greeting: false });
  t.is((await late.reply()).code, 421);
  await client.command('USER guest');
  t.is((await client.command('PASS guest')).code, 230);
});

test('an address with its share of sessions sends nobody away', async (t) => {
  const { connect, port } = await withProxy(t, {
    maxSessions: 2,
    maxSessionsPerAddress: 1,
    limits: { strangerMs: 0 },
  });
  const stranger = await connect();
  await connect({ localAddress: '127.0.0.2' });
  const greedy = await RawClient.connect(port, { localAddress: '127.0.0.2', greeting: false });
  t.regex((await greedy.reply()).text, /your address/);
  t.is((await stranger.command('NOOP')).code, 200);
});

test('who makes place no longer counts, from that moment on and once', (t) => {
  const limits = new SessionLimits({
    maxSessions: 2,
    maxSessionsPerAddress: 2,
    allowAddresses: [],
    denyAddresses: [],
  });
  limits.enter('a');
  limits.enter('a');
  const seat = { since: 0, leave: () => limits.leave('b') };
  const guest = { session: { user: null }, dismiss: () => undefined, destroy: () => undefined };
  limits.leave('a');
  limits.enter('b');
  const guests = new Map([[guest, seat]]);
  const enter = (address: string) => limits.enter(address, () => makePlace(guests, 0));
  t.is(enter('b'), null);
  t.is(limits.count, 2);
  t.is(guests.size, 0);
  t.regex(enter('c') ?? '', /Too many clients/);
  limits.leave('b');
  limits.leave('a');
  t.is(limits.count, 0);
  t.is(limits.enter('b'), null);
  t.is(limits.enter('b'), null, 'nothing was left behind of the one that made place');
});
