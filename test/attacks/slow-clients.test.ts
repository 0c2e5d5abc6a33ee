/** Those who take their time on purpose: byte by byte, never logging in, reading or sending next to nothing. */
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { waitUntil } from '../network/wait-until.ts';
import { RawClient } from '../proxy/raw-client.ts';
import { Scene } from './scene.ts';

const MEBIBYTE = 1024 * 1024;
const SLOW = 200;

let scene: Scene;
let before = 0;
test.before(async () => {
  scene = await Scene.open({
    inspected: true,
    options: ['--max-sessions', '400', '--login-timeout-seconds', '3', '--stall-timeout-seconds', '4'],
  });
  await scene.inspector();
  await waitUntil('nobody is there', async () => ((await scene.sessions()) === 0 ? null : 'somebody'));
  before = scene.descriptors();
});
test.after.always('closed', async () => scene?.close());

/** A byte now and then until the other side has enough. */
async function drip(socket: Socket, text: () => string, everyMs: number): Promise<void> {
  for (let at = 0; !socket.destroyed && socket.writable; at += 1) {
    const all = text();
    socket.write(all.charAt(at % all.length));
    await pause(everyMs);
  }
}

test.serial(
  'those who say their login byte by byte, for ever, are sent away; others get in and work meanwhile',
  async (t) => {
    const words = [
      'USER guest',
      'NOOP\r\n',
      '\r\n',
      'FEAT\r\n',
      'USER x\r\n',
      'OPTS UTF8 ON\r\n',
      '\u00ff\u00f4',
      'PASS',
    ];
    const slow: RawClient[] = [];
    for (let index = 0; index < SLOW; index += 1) {
      const options = { host: scene.a.host, localAddress: `127.0.20.${1 + index}` };
      const client = await RawClient.connect(scene.a.port, options);
      slow.push(client);
      void drip(client.socket, () => words[index % words.length] ?? 'x', 100);
    }
    const honest = await scene.a.login();
    t.is((await honest.download('RETR /canary.txt')).reply.code, 226);
    await Promise.all(slow.map((client) => client.closed()));
    t.is(slow.filter(({ heard }) => /^421 /m.test(heard)).length, SLOW, 'each is told why');
    t.is((await honest.command('NOOP')).code, 200, 'who is logged in stays');
    honest.destroy();
    await scene.settled(before);
  },
);

test.serial('connections that say nothing at all are given back', async (t) => {
  const silent = await Promise.all(
    Array.from({ length: SLOW }, (_, index) =>
      RawClient.connect(scene.a.port, { host: scene.a.host, localAddress: `127.0.21.${1 + index}` }),
    ),
  );
  await Promise.all(silent.map((client) => client.closed()));
  t.is(silent.filter(({ heard }) => /^421 /m.test(heard)).length, SLOW);
  await scene.settled(before);
});

test.serial('uploads that stop end, nothing of them is visible, and the memory is back', async (t) => {
  const inspector = await scene.inspector();
  const warm = await inspector.memory();
  const stalled = await Promise.all(
    Array.from({ length: 30 }, async (_, index) => {
      const client = await scene.a.login();
      const data = await client.dataConnection();
      client.send(`STOR /stalled-${index}\r\n`);
      t.is((await client.reply()).code, 150);
      data.write(Buffer.alloc(200_000, index));
      return client;
    }),
  );
  const codes = await Promise.all(stalled.map(async (client) => (await client.reply()).code));
  t.deepEqual([...new Set(codes)], [426]);
  const listed = (await stalled[0]?.download('NLST'))?.bytes.toString() ?? 'nobody';
  t.is(listed, 'canary.txt\r\n');
  for (const client of stalled) client.destroy();
  await scene.settled(before);
  const after = await inspector.memory();
  t.true(
    after.heap + after.buffers < warm.heap + warm.buffers + 4 * MEBIBYTE,
    `${JSON.stringify(warm)} ${JSON.stringify(after)}`,
  );
});

test.serial('downloads that nobody reads end, and hold little memory meanwhile', async (t) => {
  const inspector = await scene.inspector();
  const owner = await scene.a.login();
  const size = 32 * MEBIBYTE;
  t.is((await owner.upload('STOR /big', Buffer.alloc(size, 7))).code, 226);
  const warm = await inspector.memory();
  const readers: RawClient[] = [];
  const sockets: Socket[] = [];
  for (let index = 0; index < 30; index += 1) {
    const client = await scene.a.login();
    const socket = connect({ host: scene.a.host, port: await client.passivePort() });
    socket.on('error', () => undefined);
    socket.pause();
    client.send('RETR /big\r\n');
    t.is((await client.reply()).code, 150);
    readers.push(client);
    sockets.push(socket);
  }
  await pause(500);
  const during = await inspector.memory();
  const each = (during.heap + during.buffers - warm.heap - warm.buffers) / readers.length;
  t.log(`${(each / MEBIBYTE).toFixed(2)} MiB for each`);
  t.true(each < 2 * MEBIBYTE, `${each} bytes each`);
  const codes = await Promise.all(readers.map(async (client) => (await client.reply()).code));
  t.deepEqual([...new Set(codes)], [426]);
  for (const socket of sockets) socket.destroy();
  for (const client of readers) client.destroy();
  t.is((await owner.command('DELE /big')).code, 250);
  owner.destroy();
  await scene.settled(before);
});

test.serial('passive ports that nobody connects to are given back when the session ends', async (t) => {
  const clients = await Promise.all(Array.from({ length: 60 }, () => scene.a.login()));
  await Promise.all(clients.map((client) => client.passivePort()));
  const honest = await scene.a.login();
  t.is((await honest.download('RETR /canary.txt')).reply.code, 226);
  honest.destroy();
  for (const client of clients) client.destroy();
  await scene.settled(before);
  const many = await Promise.all(Array.from({ length: 100 }, () => scene.a.login()));
  for (const client of many) await client.passivePort();
  for (const client of many) client.destroy();
  await scene.settled(before);
});

test.serial('after all of it the members are as they were', async (t) => {
  await scene.assertUnharmed(t);
});
