/** More connections, listeners and bytes than anybody honest needs: those who are in go on, and all is given back afterwards. */
import { connect, type Socket } from 'node:net';
import test from 'ava';
import { CLIENT_PASSIVE_PORTS } from '../network/member.ts';
import { waitUntil } from '../network/wait-until.ts';
import { RawClient } from '../proxy/raw-client.ts';
import { Crowd } from './crowd.ts';
import { Scene } from './scene.ts';

const MEBIBYTE = 1024 * 1024;
/** What a proxy may hold on to after a crowd: caches of V8 and of its maps, not sessions. */
const LEFT_BEHIND = 4 * MEBIBYTE;
const SESSIONS = 400;
const SESSIONS_PER_ADDRESS = 250;

let scene: Scene;
let before = 0;
test.before(async () => {
  scene = await Scene.open({
    inspected: true,
    options: ['--max-sessions', String(SESSIONS), '--max-sessions-per-address', String(SESSIONS_PER_ADDRESS)],
  });
  await scene.inspector();
  await waitUntil('nobody is there', async () => ((await scene.sessions()) === 0 ? null : 'somebody'));
  before = scene.descriptors();
});
test.after.always('closed', async () => scene?.close());

test.serial(
  'of 10,000 connections those above the limit are told 421; a session goes on; afterwards all is given back',
  async (t) => {
    const inspector = await scene.inspector();
    const resident = await scene.a.login();
    const crowdOf = (count: number) =>
      Crowd.gather({
        host: scene.a.host,
        port: scene.a.port,
        count,
        from: (index) => `127.0.${4 + (index % 50)}.${1 + (index % 200)}`,
      });
    // The first crowd warms up what is kept for ever: code, maps, pools.
    (await crowdOf(1000)).disperse();
    await waitUntil('the first crowd is gone', async () =>
      (await scene.sessions()) === 1 ? null : 'not yet',
    );
    const warm = await inspector.memory();

    const crowd = await crowdOf(10_000);
    t.is(crowd.count('220') + crowd.count('421') + crowd.count('none'), 10_000);
    t.is(crowd.count('220'), SESSIONS - 1);
    t.is(crowd.count('421'), 10_000 - SESSIONS + 1, 'each of the others is told');
    t.is((await resident.upload('STOR /in-the-crowd', 'stored in a crowd')).code, 226);
    t.is((await resident.download('RETR /in-the-crowd')).bytes.toString(), 'stored in a crowd');
    t.is((await resident.command('DELE /in-the-crowd')).code, 250);
    crowd.disperse();
    await waitUntil('the crowd is gone', async () => ((await scene.sessions()) === 1 ? null : 'not yet'));
    const client = await scene.a.login();
    t.is((await client.download('RETR /canary.txt')).reply.code, 226, 'an honest client gets in');
    client.destroy();
    resident.destroy();
    await scene.settled(before);
    const after = await inspector.memory();
    t.true(
      after.heap + after.buffers < warm.heap + warm.buffers + LEFT_BEHIND,
      `${JSON.stringify(warm)} ${JSON.stringify(after)}`,
    );
    t.log(
      `heap and buffers ${((after.heap + after.buffers) / MEBIBYTE).toFixed(1)} MiB, ${((warm.heap + warm.buffers) / MEBIBYTE).toFixed(1)} before`,
    );
  },
);

test.serial('one address cannot take all places', async (t) => {
  const crowd = await Crowd.gather({
    host: scene.a.host,
    port: scene.a.port,
    count: 600,
    from: () => '127.0.99.1',
  });
  t.is(crowd.count('220'), SESSIONS_PER_ADDRESS);
  t.is(crowd.count('421'), 600 - SESSIONS_PER_ADDRESS);
  const other = await scene.a.login();
  t.is((await other.download('RETR /canary.txt')).reply.code, 226);
  other.destroy();
  crowd.disperse();
  await scene.settled(before);
});

test.serial('strangers cannot fill the log: what they do is told in few lines', async (t) => {
  const linesBefore = scene.a.log().split('\n').length;
  const crowd = await Crowd.gather({
    host: scene.a.host,
    port: scene.a.port,
    count: 3000,
    from: (index) => `127.0.${100 + (index % 50)}.${1 + (index % 200)}`,
    words: `${'NOSUCH \u0001\nSTOR x\nPORT 1,2,3,4,5,6\nSITE x\n\n\u00ff\n'.repeat(5)}QUIT\r\n`,
  });
  crowd.disperse();
  await scene.settled(before);
  const told = scene.a.log().split('\n').length - linesBefore;
  t.true(told < 30, `${told} lines`);
});

test.serial(
  'control characters and other tricks of strangers stay in the line of the log that tells of them',
  async (t) => {
    const client = await RawClient.connect(scene.a.port, { host: scene.a.host, localAddress: '127.0.98.1' });
    const fake = '2026-01-01 00:00:00 error proxy  forged';
    for (const name of [`x\u2028${fake}`, `x\u202e${fake}`, `x" key=value ${fake}`, `x\u2029${fake}\ufeff`]) {
      await client.command(`USER ${name}`);
      await client.command('PASS no');
    }
    client.destroy();
    const friend = await scene.a.login();
    t.is((await friend.upload(`STOR x\u2028${fake}`, '')).code, 553);
    friend.destroy();
    await waitUntil('the log tells of it', () => (scene.a.log().includes('as="x\\u2028') ? null : 'not yet'));
    const lines = scene.a.log().split(/[\n\u2028\u2029\u0085]/);
    t.deepEqual(
      lines.filter((line) => line.startsWith('2026-01-01')),
      [],
    );
    for (const trick of ['\u202e', '\ufeff', '\u001b']) t.false(scene.a.log().includes(trick));
  },
);

test.serial(
  'EPSV and PASV again and again keep one listener a session; others transfer meanwhile',
  async (t) => {
    const clients = await Promise.all(Array.from({ length: 40 }, () => scene.a.login()));
    const loaded = scene.descriptors();
    for (let round = 0; round < 25; round += 1) {
      await Promise.all(
        clients.map(async (client, index) => {
          const { code } = await client.command(index % 2 === 0 ? 'EPSV' : 'PASV');
          t.true(code === 229 || code === 227, String(code));
        }),
      );
    }
    const now = scene.descriptors();
    t.true(now <= loaded + clients.length + 5, `${now} descriptors, ${loaded} before`);
    const honest = await scene.a.login();
    t.is((await honest.download('RETR /canary.txt')).reply.code, 226);
    honest.destroy();
    for (const client of clients) client.destroy();
    await scene.settled(before);
  },
);

test.serial(
  'an address that holds all passive ports, and queues for more, does not stop others',
  async (t) => {
    const greedy = { host: scene.a.host, localAddress: '127.0.97.1' };
    const hoarders = await Promise.all(
      Array.from({ length: CLIENT_PASSIVE_PORTS + 60 }, () => RawClient.loggedIn(scene.a.port, greedy)),
    );
    for (const client of hoarders) client.send('EPSV\r\n');
    await waitUntil('all ports are held', () => {
      const told = hoarders.filter(({ heard }) => heard.includes('229 ')).length;
      return told >= CLIENT_PASSIVE_PORTS ? null : `${told}`;
    });
    const honest = await Promise.all(Array.from({ length: 10 }, () => scene.a.login()));
    const codes = await Promise.all(
      honest.map(
        async (client, index) => (await client.upload(`STOR /among-hoarders-${index}`, 'through')).code,
      ),
    );
    t.deepEqual([...new Set(codes)], [226]);
    for (const [index, client] of honest.entries()) await client.command(`DELE /among-hoarders-${index}`);
    for (const client of [...hoarders, ...honest]) client.destroy();
    await scene.settled(before);
  },
);

test.serial('who never reads answers, and asks on, is not read any further; memory stays flat', async (t) => {
  const inspector = await scene.inspector();
  const warm = await inspector.memory();
  const greedy: { socket: Socket; taken: () => number }[] = [];
  for (const words of [
    'NOOP\r\n',
    'FEAT\r\n',
    'STAT\r\n',
    'HELP\r\n',
    'NETS\r\n',
    'STAT /\r\n',
    'LIST\r\n',
    'NOSUCH\r\n',
  ]) {
    const socket = connect({ host: scene.a.host, port: scene.a.port });
    socket.on('error', () => undefined);
    socket.pause();
    socket.write('USER guest\r\nPASS guest\r\n');
    const piece = words.repeat(Math.ceil(MEBIBYTE / words.length));
    // 32 MiB each; what the other side does not take stays here.
    for (let count = 0; count < 32; count += 1) socket.write(piece);
    greedy.push({ socket, taken: () => socket.bytesWritten - socket.writableLength });
  }
  const taken = () => greedy.map((one) => one.taken());
  let last = '';
  await waitUntil(
    'nothing is taken any more',
    () => {
      const now = String(taken());
      const same = now === last;
      last = now;
      return same ? null : now;
    },
    { everyMs: 1000 },
  );
  for (const [index, bytes] of taken().entries())
    t.true(bytes < 16 * MEBIBYTE, `${index}: ${bytes} bytes were taken`);
  const during = await inspector.memory();
  t.true(during.heap + during.buffers < warm.heap + warm.buffers + 8 * MEBIBYTE, JSON.stringify(during));
  const honest = await scene.a.login();
  t.is((await honest.download('RETR /canary.txt')).reply.code, 226);
  honest.destroy();
  for (const { socket } of greedy) socket.destroy();
  await scene.settled(before);
});

test.serial('a line without end is refused once and takes no memory', async (t) => {
  const inspector = await scene.inspector();
  const warm = await inspector.memory();
  const clients = await Promise.all(Array.from({ length: 8 }, () => scene.a.login()));
  const piece = Buffer.alloc(MEBIBYTE, 'x');
  await Promise.all(
    clients.map(async (client) => {
      for (let count = 0; count < 8; count += 1) {
        if (!client.socket.write(piece)) await new Promise((resolve) => client.socket.once('drain', resolve));
      }
    }),
  );
  const during = await inspector.memory();
  t.true(during.heap + during.buffers < warm.heap + warm.buffers + 4 * MEBIBYTE, JSON.stringify(during));
  for (const client of clients) {
    client.send('\r\nNOOP\r\n');
    t.deepEqual(await client.replies(2), [500, 200]);
    client.destroy();
  }
  await scene.settled(before);
});

test.serial('after all the crowds the members are as they were', async (t) => {
  await scene.assertUnharmed(t);
});
