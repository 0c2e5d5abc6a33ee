/** --allow-addresses, --deny-addresses, and what counts as one address. */
import test from 'ava';
import { subnets } from '../../src/config/gateway-checks.ts';
import { LoginThrottle } from '../../src/proxy/limits/login-throttle.ts';
import { SessionLimits } from '../../src/proxy/limits/session-limits.ts';
import { RawClient } from './raw-client.ts';
import { withProxy } from './with-proxy.ts';

async function greeting(port: number, localAddress: string): Promise<number> {
  const client = await RawClient.connect(port, { localAddress, greeting: false });
  const { code } = await client.reply();
  if (code === 421) await client.closed();
  client.destroy();
  return code;
}

test('only clients of the allowed networks get in; the others hear 421, and the log tells once', async (t) => {
  const { port, proxy, log } = await withProxy(t, { allowAddresses: subnets('127.0.1.0/24,::1') });
  t.is(await greeting(port, '127.0.1.9'), 220);
  for (let time = 0; time < 5; time += 1) t.is(await greeting(port, '127.0.0.1'), 421);
  const told = log.filter(({ message }) => message === 'a client was turned away');
  t.is(told.length, 1);
  t.is(told[0]?.details['client'], '127.0.0.1');
  t.true(proxy.counts().sessions <= 1);
});

test('denied networks beat allowed ones; nobody else notices them', async (t) => {
  const { port } = await withProxy(t, {
    allowAddresses: subnets('127.0.0.0/8'),
    denyAddresses: subnets('127.0.2.0/24'),
  });
  t.is(await greeting(port, '127.0.2.1'), 421);
  t.is(await greeting(port, '127.0.3.1'), 220);
  const { port: open } = await withProxy(t, { denyAddresses: subnets('127.0.2.0/24') });
  t.is(await greeting(open, '127.0.2.1'), 421);
  t.is(await greeting(open, '127.0.0.1'), 220);
});

test('IPv6 addresses of one /64 are counted and slowed down as one', (t) => {
  const limits = new SessionLimits({
    maxSessions: 100,
    maxSessionsPerAddress: 2,
    allowAddresses: [],
    denyAddresses: [],
  });
  t.is(limits.enter('2001:db8::1'), null);
  t.is(limits.enter('2001:db8::2'), null);
  t.regex(limits.enter('2001:db8::3') ?? '', /your address/);
  t.is(limits.enter('2001:db8:0:1::3'), null);
  limits.leave('2001:db8::1');
  t.is(limits.enter('2001:db8::4'), null);
  t.is(limits.count, 3);

  const throttle = new LoginThrottle(250, () => 0);
  throttle.failed('2001:db8::1');
  t.is(throttle.delayMs('2001:db8::99'), 250);
  t.is(throttle.delayMs('2001:db8:0:1::99'), 0);
});
