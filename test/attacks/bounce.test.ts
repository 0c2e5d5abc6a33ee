/** RFC 2577, CVE-1999-0017: nobody makes the gateway talk to a third party, or takes a data connection that is another's. */
import { connect, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { RawClient, readAll } from '../proxy/raw-client.ts';
import { withProxy } from '../proxy/with-proxy.ts';
import { Scene } from './scene.ts';

let scene: Scene;
test.before(async () => {
  scene = await Scene.open();
});
test.after.always('unharmed', async () => scene?.close());

const VICTIM = '127.0.0.77';
const THIEF = '127.0.0.9';

/** Somebody who listens and must never be called. */
async function victim(t: ExecutionContext, host = VICTIM): Promise<{ port: number; calls: () => number }> {
  let calls = 0;
  const server = createServer((socket) => {
    calls += 1;
    socket.on('error', () => undefined);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, calls: () => calls };
}

async function login(t: ExecutionContext): Promise<RawClient> {
  const client = await scene.a.login();
  t.teardown(() => client.destroy());
  return client;
}

async function dial(t: ExecutionContext, port: number, localAddress?: string): Promise<Socket> {
  const socket = connect({
    host: scene.a.host,
    port,
    allowHalfOpen: true,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve);
    socket.once('close', () => resolve());
  });
  return socket;
}

test.serial(
  'PORT and EPRT to another address are refused in every spelling, and nobody is called',
  async (t) => {
    const { port, calls } = await victim(t);
    const client = await login(t);
    const p = `${port >> 8},${port & 255}`;
    const lines = [
      `PORT 127,0,0,77,${p}`,
      `PORT 127,0,0,077,${p}`,
      `PORT 127,0,0,77, ${p}`,
      `PORT 0177,0,0,77,${p}`,
      `PORT 127,0,0,0115,${p}`,
      `PORT 0x7f,0,0,77,${p}`,
      `PORT 127,0,0,333,${p}`,
      `PORT 127,0,0,-179,${p}`,
      `PORT 127,0,77,${p}`,
      `PORT 2130706509,${p}`,
      `PORT 0,0,0,0,${p}`,
      `PORT 255,255,255,255,${p}`,
      `PORT 127,0,0,2,${p}`,
      `PORT ${scene.a.host.replaceAll('.', ',')},${p}`,
      `PORT 127,0,0,77,${p},127,0,0,1,${p}`,
      `EPRT |1|${VICTIM}|${port}|`,
      `EPRT |1|127.0.0.077|${port}|`,
      `EPRT |1|0177.0.0.77|${port}|`,
      `EPRT |1|127.77|${port}|`,
      `EPRT |1|2130706509|${port}|`,
      `EPRT |1|0.0.0.0|${port}|`,
      `EPRT |1|localhost|${port}|`,
      `EPRT |1|::ffff:${VICTIM}|${port}|`,
      `EPRT |2|::ffff:${VICTIM}|${port}|`,
      `EPRT |2|::1|${port}|`,
      `EPRT |2|::127.0.0.77|${port}|`,
      `EPRT |3|${VICTIM}|${port}|`,
      `EPRT |0|${VICTIM}|${port}|`,
      `EPRT ||${VICTIM}|${port}|`,
    ];
    for (const line of lines) {
      const { code } = await client.command(line);
      t.true(code >= 500 && code < 530, `${line}: ${code}`);
      for (const transfer of ['RETR /canary.txt', 'LIST', 'STOR /stolen']) {
        t.is((await client.command(transfer)).code, 425, `${transfer} after ${line}`);
      }
    }
    t.is(calls(), 0);
    t.is((await client.download('RETR /canary.txt')).reply.code, 226, 'the session goes on');
  },
);

test.serial('PORT and EPRT to ports below 1024 are refused', async (t) => {
  const client = await login(t);
  for (const port of [0, 1, 21, 22, 25, 80, 443, 1023]) {
    t.is((await client.command(`PORT 127,0,0,1,${port >> 8},${port & 255}`)).code, 500, `PORT ${port}`);
    t.is((await client.command(`EPRT |1|127.0.0.1|${port}|`)).code, 500, `EPRT ${port}`);
  }
  for (const port of ['-1', '65536', '65558', '1e4', '0x1f90', '99999', '']) {
    t.is((await client.command(`EPRT |1|127.0.0.1|${port}|`)).code, 501, `EPRT ${port}`);
  }
  t.is((await client.command('PORT 127,0,0,1,256,25')).code, 501);
  t.is((await client.command('RETR /canary.txt')).code, 425);
});

test.serial(
  'a client of IPv6, or of IPv4 through an IPv6 socket, cannot be used against others either',
  async (t) => {
    const { port, calls } = await victim(t);
    for (const [listen, dialled, own] of [
      ['::1', '::1', '|2|::1|'],
      ['::ffff:127.0.0.1', '127.0.0.1', '|1|127.0.0.1|'],
    ] as const) {
      const { proxy } = await withProxy(t, { listen: { host: listen, port: 0 } });
      const client = await RawClient.loggedIn(proxy.endpoint.port, { host: dialled });
      t.teardown(() => client.destroy());
      for (const target of [
        `|1|${VICTIM}|`,
        `|2|::ffff:${VICTIM}|`,
        '|2|::2|',
        '|2|::|',
        '|2|fe80::1%lo|',
        '|2|::ffff:127.0.0.1|',
        '|2|64:ff9b::7f00:4d|',
        '|2|2002:7f00:4d::1|',
      ]) {
        const { code } = await client.command(`EPRT ${target}${port}|`);
        t.true(code === 500 || code === 501 || code === 522, `${listen} EPRT ${target}: ${code}`);
        t.is((await client.command('LIST')).code, 425);
      }
      t.is((await client.command(`EPRT ${own}${port}|`)).code, 200, `${listen}: to itself`);
    }
    t.is(calls(), 0);
  },
);

test.serial(
  'a data connection from another address is dropped unheard, and the owner gets what is theirs',
  async (t) => {
    const client = await login(t);
    const port = await client.passivePort();
    const thief = await dial(t, port, THIEF);
    const stolen = readAll(thief);
    thief.write('not yours');
    const own = await dial(t, port);
    const bytes = readAll(own);
    t.is((await client.command('RETR /canary.txt')).code, 150);
    t.is((await client.reply()).code, 226);
    t.true((await bytes).equals(scene.canary));
    t.is((await stolen).length, 0);
  },
);

test.serial('an upload takes nothing from a stranger, who came first', async (t) => {
  const client = await login(t);
  const port = await client.passivePort();
  const thieves = await Promise.all([2, 3, 4, 5, 6].map((last) => dial(t, port, `127.0.0.${last}`)));
  for (const thief of thieves) thief.end('forged');
  const own = await dial(t, port);
  own.end('mine');
  t.is((await client.command('STOR /upload')).code, 150);
  t.is((await client.reply()).code, 226);
  t.is((await client.download('RETR /upload')).bytes.toString(), 'mine');
  t.is((await client.command('DELE /upload')).code, 250);
});

test.serial('one connection only: a second one from the same address gets nothing', async (t) => {
  const client = await login(t);
  const port = await client.passivePort();
  const first = await dial(t, port);
  const whole = readAll(first);
  const second = await dial(t, port);
  const nothing = readAll(second);
  t.is((await client.command('RETR /canary.txt')).code, 150);
  t.is((await client.reply()).code, 226);
  t.true((await whole).equals(scene.canary));
  t.is((await nothing).length, 0);
});

test.serial('an old passive port is dead after the next EPSV, and after the session', async (t) => {
  const client = await login(t);
  const old = await client.passivePort();
  let fresh = await client.passivePort();
  while (fresh === old) fresh = await client.passivePort();
  const late = await dial(t, old);
  t.true(late.destroyed, 'refused: nobody listens there any more');
  const nothing = readAll(late);
  const own = await dial(t, fresh);
  const bytes = readAll(own);
  t.is((await client.command('RETR /canary.txt')).code, 150);
  t.is((await client.reply()).code, 226);
  t.true((await bytes).equals(scene.canary));
  t.is((await nothing).length, 0);
  const unused = await client.passivePort();
  t.is((await client.command('QUIT')).code, 221);
  await client.closed();
  t.is((await readAll(await dial(t, unused))).length, 0);
});

test.serial('passive ports cannot be foretold', async (t) => {
  const client = await login(t);
  const ports: number[] = [];
  while (ports.length < 40) ports.push(await client.passivePort());
  const steps = ports.slice(1).map((port, index) => port - (ports[index] ?? 0));
  t.true(new Set(ports).size >= 20, `${ports}`);
  t.true(new Set(steps).size >= 15, `${steps}`);
});

test.serial('after all of it the members are as they were', async (t) => {
  await scene.assertUnharmed(t);
});
