import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { NoPortFree, PassiveListener, type PassiveOptions } from '../../src/ftp/data-connection.ts';
import { PassivePorts } from '../../src/proxy/limits/passive-ports.ts';
import { freePorts } from '../network/loopback.ts';
import { RawClient } from './raw-client.ts';
import { until, withProxy } from './with-proxy.ts';

const PORTS = 3;
const LONG_MS = 60_000;

async function range(t: ExecutionContext) {
  const from = await freePorts('127.0.0.1', PORTS);
  const options = (clientAddress: string): PassiveOptions => ({
    localAddress: '127.0.0.1',
    clientAddress,
    ports: { from, to: from + PORTS - 1 },
    lifetimeMs: LONG_MS,
    onStranger: () => undefined,
  });
  const take = async (pool: PassivePorts, address: string): Promise<PassiveListener> => {
    const listener = await pool.open(options(address));
    t.teardown(() => listener.close());
    return listener;
  };
  return { from, options, take };
}

test('who finds no port free gets the next one that is', async (t) => {
  const { take } = await range(t);
  const pool = new PassivePorts(LONG_MS);
  const held = [await take(pool, 'a'), await take(pool, 'a'), await take(pool, 'a')] as const;
  const order: string[] = [];
  const wait = async (name: string): Promise<PassiveListener> => {
    const listener = await take(pool, 'a');
    order.push(name);
    return listener;
  };
  const first = wait('first');
  await pause(100);
  const second = wait('second');
  await pause(100);
  held[1].close();
  t.is((await first).port, held[1].port);
  t.deepEqual(order, ['first']);
  held[0].close();
  t.is((await second).port, held[0].port);
});

test('after the wait it is told that none is free, and those behind are served', async (t) => {
  const { take } = await range(t);
  const pool = new PassivePorts(50);
  const held = [await take(pool, 'a'), await take(pool, 'a'), await take(pool, 'a')] as const;
  await t.throwsAsync(take(pool, 'a'), { instanceOf: NoPortFree });
  const late = take(pool, 'a');
  held[2].close();
  t.is((await late).port, held[2].port);
});

test('whose time is up is told so, also while others with fewer ports wait', async (t) => {
  const { take, options } = await range(t);
  const others = await Promise.all([PassiveListener.open(options('x')), PassiveListener.open(options('x'))]);
  t.teardown(() => {
    for (const other of others) other.close();
  });
  const pool = new PassivePorts(300);
  await take(pool, 'a');
  const order: string[] = [];
  const waits = async (address: string) => {
    await t.throwsAsync(pool.open(options(address)), { instanceOf: NoPortFree });
    order.push(address);
  };
  const first = waits('a');
  await pause(150);
  await Promise.all([first, waits('b')]);
  t.deepEqual(order, ['a', 'b']);
});

test('an address that hoards ports loses its oldest to others, not to itself, and not one that is waited on', async (t) => {
  const { take } = await range(t);
  const pool = new PassivePorts(200);
  const [oldest, second, third] = [
    await take(pool, 'greedy'),
    await take(pool, 'greedy'),
    await take(pool, 'greedy'),
  ];
  const transfer = oldest.accept(new AbortController().signal, LONG_MS);
  transfer.catch(() => undefined);
  await t.throwsAsync(take(pool, 'greedy'), { instanceOf: NoPortFree });
  t.true(second.isIdle && third.isIdle);
  const honest = await take(pool, 'honest');
  t.is(honest.port, second.port);
  t.false(second.isIdle);
  t.true(third.isIdle);
  await t.throwsAsync(take(pool, 'honest'), { instanceOf: NoPortFree }, 'one each is fair');
  t.true(honest.isIdle && third.isIdle);
});

test('a whole /64 of IPv6 counts as one that hoards', async (t) => {
  const { take } = await range(t);
  const pool = new PassivePorts(LONG_MS);
  const held = [
    await take(pool, '2001:db8::1'),
    await take(pool, '2001:db8::2'),
    await take(pool, '2001:db8::3'),
  ] as const;
  t.is((await take(pool, '2001:db8:1::1')).port, held[0].port);
});

test('a port that another program lets go is found', async (t) => {
  const { take, options } = await range(t);
  const others = await Promise.all([PassiveListener.open(options('x')), PassiveListener.open(options('x'))]);
  const third = await PassiveListener.open(options('x'));
  const waiting = take(new PassivePorts(LONG_MS), 'a');
  third.close();
  t.is((await waiting).port, third.port);
  for (const listener of others) listener.close();
});

test('sixty uploads at once go through three ports', async (t) => {
  const { from } = await range(t);
  const bench = await withProxy(t, {
    passivePorts: { from, to: from + PORTS - 1 },
    maxSessions: 100,
    maxSessionsPerAddress: 100,
  });
  const codes = await Promise.all(
    Array.from({ length: 60 }, async (_, index) => {
      const client = await bench.login();
      return (await client.upload(`STOR ${index}`, `${index}`)).code;
    }),
  );
  t.deepEqual([...new Set(codes)], [226]);
});

test('a client that holds all ports and more does not stop another one', async (t) => {
  const { from } = await range(t);
  const bench = await withProxy(t, { passivePorts: { from, to: from + PORTS - 1 } });
  for (let count = 0; count < PORTS; count += 1)
    t.is((await (await bench.login()).command('EPSV')).code, 229);
  const queued = await Promise.all(Array.from({ length: 10 }, () => bench.login()));
  for (const client of queued) client.send('EPSV\r\n');
  const other = await RawClient.loggedIn(bench.port, { localAddress: '127.0.0.5' });
  t.teardown(() => other.destroy());
  const port = await other.passivePort();
  const data = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.5' });
  data.end('honest');
  other.send('STOR mine\r\n');
  t.deepEqual(await other.replies(2), [150, 226]);
  await until(async () => (await bench.stored('mine')) === 'honest');
});
