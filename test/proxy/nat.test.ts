/** --passive-address, --local-networks and --active-mode: what clients are told about data connections. */
import { setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { subnets } from '../../src/config/gateway-checks.ts';
import { PassiveAddress, type PassiveAddressOptions } from '../../src/proxy/limits/passive-address.ts';
import { RawClient } from './raw-client.ts';
import { collector, type LogLine, until, withProxy } from './with-proxy.ts';

const HOME = '127.0.0.1';

function passive(t: ExecutionContext, options: Partial<PassiveAddressOptions>) {
  const log: LogLine[] = [];
  const address = new PassiveAddress({
    passiveAddress: 'home.example',
    localNetworks: subnets('192.168.0.0/16,fd00::/8'),
    logger: collector(log, {}),
    everyMs: 1,
    againMs: 1,
    ...options,
  });
  t.teardown(() => address.close());
  return { address, log };
}

test('PASV names the outer address for clients from outside and the own one for local clients', async (t) => {
  const { port, login } = await withProxy(t, {
    passiveAddress: '203.0.113.9',
    localNetworks: subnets('127.0.0.2'),
  });
  const outside = await login();
  t.regex((await outside.command('PASV')).text, /\(203,0,113,9,\d+,\d+\)/);
  t.regex((await outside.command('EPSV')).text, /\(\|\|\|\d+\|\)/, 'EPSV names no address');
  t.is((await outside.upload('STOR f', 'through EPSV')).code, 226);
  const inside = await RawClient.loggedIn(port, { localAddress: '127.0.0.2' });
  t.teardown(() => inside.destroy());
  t.regex((await inside.command('PASV')).text, /\(127,0,0,1,\d+,\d+\)/);
});

test('without a passive address everybody is told where they connected to', async (t) => {
  const { port } = await withProxy(t, { localNetworks: [] });
  const client = await RawClient.loggedIn(port, { localAddress: '127.0.0.2' });
  t.teardown(() => client.destroy());
  t.regex((await client.command('PASV')).text, /\(127,0,0,1,\d+,\d+\)/);
});

test('on an IPv6 connection PASV says to use EPSV', async (t) => {
  const { proxy } = await withProxy(t, {
    listen: { host: '::1', port: 0 },
    passiveAddress: '203.0.113.9',
    localNetworks: [],
  });
  const client = await RawClient.loggedIn(proxy.endpoint.port, { host: '::1' });
  t.teardown(() => client.destroy());
  const answer = await client.command('PASV');
  t.is(answer.code, 425);
  t.regex(answer.text, /EPSV/);
  t.is((await client.command('EPSV')).code, 229);
});

test('a name is looked up again; the last good answer stays, a failure is told once', async (t) => {
  const answers = [
    () => '203.0.113.1',
    () => '203.0.113.2',
    () => {
      throw new Error('nobody answers');
    },
  ];
  let asked = 0;
  const { address, log } = passive(t, {
    lookUp: async (name) => {
      t.is(name, 'home.example');
      asked += 1;
      return answers[Math.min(asked, answers.length) - 1]?.() ?? '';
    },
  });
  t.is(address.for('198.51.100.1', HOME), HOME, 'nothing is known yet');
  await turn();
  t.is(address.for('198.51.100.1', HOME), '203.0.113.1');
  t.is(address.for('192.168.3.4', HOME), HOME);
  t.is(address.for('::ffff:192.168.3.4', HOME), HOME);
  t.is(address.for('fd12::1', HOME), HOME);
  await until(() => asked >= 6);
  t.is(address.for('198.51.100.1', HOME), '203.0.113.2');
  t.is(log.filter(({ level }) => level === 'warn').length, 1);
});

test('a name that is not known at the start is known later, and that is told', async (t) => {
  let asked = 0;
  const { address, log } = passive(t, {
    lookUp: async () => {
      asked += 1;
      if (asked < 40) throw new Error('no network yet');
      return '203.0.113.7';
    },
  });
  await until(() => asked >= 2);
  t.is(address.for('198.51.100.1', HOME), HOME);
  await until(() => address.for('198.51.100.1', HOME) === '203.0.113.7');
  t.deepEqual(
    log.map(({ level }) => level),
    ['warn', 'info'],
  );
});

test('after the end nothing is looked up any more', async (t) => {
  let asked = 0;
  const { address } = passive(t, {
    lookUp: async () => {
      asked += 1;
      return '203.0.113.7';
    },
  });
  address.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.is(asked, 1);
});

test('with active mode off PORT and EPRT are not there; EPSV works as ever', async (t) => {
  const { login } = await withProxy(t, { activeMode: false });
  const client = await login();
  for (const line of ['PORT 127,0,0,1,200,1', 'EPRT |1|127.0.0.1|51201|']) {
    t.is((await client.command(line)).code, 502, line);
  }
  t.notRegex((await client.command('FEAT')).text, /EPRT/);
  t.notRegex((await client.command('HELP')).text, /PORT|EPRT/);
  t.is((await client.upload('STOR f', 'x')).code, 226);
});

test('by default active mode is on', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  t.is((await client.command('PORT 127,0,0,1,200,1')).code, 200);
  t.is((await client.command('EPRT |1|127.0.0.1|51201|')).code, 200);
  t.regex((await client.command('FEAT')).text, /EPRT/);
});
