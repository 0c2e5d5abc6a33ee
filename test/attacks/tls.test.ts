/** What was said before TLS is never heard inside it (CVE-2011-0411), and who stands between client and server gets nothing. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { commandTable } from '../../src/proxy/command-table.ts';
import { RawClient, readAll } from '../proxy/raw-client.ts';
import { overTls } from '../proxy/tls-client.ts';
import { testTls } from '../proxy/tls-provider.ts';
import { withProxy } from '../proxy/with-proxy.ts';
import { Scene } from './scene.ts';

let scene: Scene;
let before = 0;
test.before(async () => {
  scene = await Scene.open({ options: ['--login-timeout-seconds', '3'] });
  before = scene.descriptors();
});
test.after.always('closed', async () => scene?.close());

async function plain(t: ExecutionContext): Promise<RawClient> {
  const client = await RawClient.connect(scene.a.port, { host: scene.a.host });
  t.teardown(() => client.destroy());
  return client;
}

/** AUTH TLS with `behind` in the same piece; what goes on inside. */
async function secured(t: ExecutionContext, behind = '', ahead = ''): Promise<RawClient> {
  const client = await plain(t);
  client.send(`${ahead}AUTH TLS\r\n${behind}`);
  for (let lines = ahead.split('\r\n').length - 1; lines > 0; lines -= 1) await client.reply();
  const { code, text } = await client.reply();
  t.is(code, 234, text);
  return RawClient.around(await overTls(client.socket), scene.a.host);
}

const SMUGGLED = 'USER guest\r\nPASS guest\r\nDELE /canary.txt\r\n';

test.serial(
  'commands behind AUTH TLS in the same piece are dropped, whole ones and the beginning of one',
  async (t) => {
    for (const behind of [
      SMUGGLED,
      'USER guest\r\n',
      'USER gue',
      `${'NOOP\r\n'.repeat(100)}DELE /ca`,
      '\r\n',
      '\0',
    ]) {
      const inside = await secured(t, behind);
      const first = await inside.command('NOOP');
      t.is(
        first.text,
        '200 Here.',
        `the first answer inside is to the first command inside: ${JSON.stringify(behind)}`,
      );
      t.is((await inside.command('DELE /canary.txt')).code, 530, JSON.stringify(behind));
      inside.destroy();
    }
  },
);

test.serial('a user name or a login from before TLS does not count inside it', async (t) => {
  const named = await secured(t, '', 'USER guest\r\n');
  t.is((await named.command('PASS guest')).code, 503);
  const inside = await secured(t, '', 'USER guest\r\nPASS guest\r\n');
  const { code } = await inside.command('PWD');
  t.is(code, 530);
});

test.serial('nothing in plain text is heard once TLS has begun', async (t) => {
  const client = await plain(t);
  t.is((await client.command('AUTH TLS')).code, 234);
  client.send(SMUGGLED);
  await client.closed();
  t.notRegex(client.heard, /^(230|331|250) /m);
});

test.serial(
  'a protected data connection gives nothing to, and takes nothing from, who does not speak TLS',
  async (t) => {
    const inside = await secured(t);
    for (const line of ['USER guest', 'PASS guest', 'PBSZ 0', 'PROT P']) await inside.command(line);
    const dial = async (): Promise<Socket> => {
      const socket = connect({ host: scene.a.host, port: await inside.passivePort(), allowHalfOpen: true });
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      return socket;
    };
    const reader = await dial();
    reader.write('give it to me');
    const bytes = readAll(reader);
    inside.send('RETR /canary.txt\r\n');
    const codes = [(await inside.reply()).code];
    if ((codes[0] ?? 0) < 200) codes.push((await inside.reply()).code);
    t.true((codes.at(-1) ?? 0) >= 400, String(codes));
    t.false((await bytes).includes(scene.canary.subarray(0, 32)));
    const writer = await dial();
    writer.end('in plain text');
    writer.resume();
    inside.send('STOR /plain\r\n');
    let { code } = await inside.reply();
    while (code < 200) ({ code } = await inside.reply());
    t.true(code >= 400, String(code));
    t.is((await inside.command('SIZE /plain')).code, 550);
  },
);

test.serial('handshakes of garbage, half ones and none at all end, and leave nothing open', async (t) => {
  const crowd: RawClient[] = [];
  const openings = [
    Buffer.alloc(0),
    Buffer.from([22, 3, 1, 0, 200, 1]),
    Buffer.from(SMUGGLED),
    Buffer.alloc(20_000, 22),
    Buffer.from([21, 3, 3, 0, 2, 2, 40]),
  ];
  for (let count = 0; count < 100; count += 1) {
    const client = await plain(t);
    t.is((await client.command('AUTH TLS')).code, 234);
    client.send(openings[count % openings.length] ?? '');
    crowd.push(client);
  }
  const honest = await scene.a.login();
  t.is((await honest.download('RETR /canary.txt')).reply.code, 226);
  honest.destroy();
  await Promise.all(crowd.map((client) => client.closed()));
  await scene.settled(before);
});

test.serial('a client that asks for a new handshake again and again is not served for ever', async (t) => {
  const client = await plain(t);
  t.is((await client.command('AUTH TLS')).code, 234);
  const inside: TLSSocket = connectTls({
    socket: client.socket,
    rejectUnauthorized: false,
    maxVersion: 'TLSv1.2',
  });
  inside.on('error', () => undefined);
  await once(inside, 'secureConnect');
  let done = 0;
  const again = (): void => {
    inside.renegotiate({ rejectUnauthorized: false }, (error) => {
      if (error !== null || done > 50) return;
      done += 1;
      again();
    });
  };
  again();
  await scene.settled(before);
  t.true(done < 10, `${done} handshakes`);
});

test.serial(
  'with --require-tls no command but those that lead to TLS does anything in plain text',
  async (t) => {
    const bench = await withProxy(t, { tls: await testTls(), requireTls: true });
    const client = await bench.connect();
    const harmless = new Set([
      'AUTH',
      'FEAT',
      'HELP',
      'SITE HELP',
      'NOOP',
      'QUIT',
      'SYST',
      'OPTS',
      'CLNT',
      'LANG',
      'HOST',
      'REIN',
      'ACCT',
      'PBSZ',
      'PROT',
    ]);
    for (const { name, argument } of commandTable) {
      if (harmless.has(name)) continue;
      const { code, text } = await client.command(argument === 'none' ? name : `${name} guest`);
      t.true(code >= 500 || code === 331, `${name}: ${text}`);
    }
    await client.command('USER guest');
    t.true((await client.command('PASS guest')).code >= 500);
    t.is((await client.command('PWD')).code, 530);
  },
);

test.serial('after all of it the members are as they were', async (t) => {
  await scene.assertUnharmed(t);
});
