/** A folder of 100,000 entries, listed by those who read slowly, or not at all: memory stays flat, and what is listed is whole. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { conflictPath } from '../../src/replication/conflict-name.ts';
import { Catalog } from '../../src/storage/catalog/catalog.ts';
import type { Member } from '../network/member.ts';
import { waitUntil } from '../network/wait-until.ts';
import { type Network, openNetwork } from '../network/with-network.ts';
import { type HeardReply, RawClient, readAll } from '../proxy/raw-client.ts';
import { overTls } from '../proxy/tls-client.ts';
import { Inspector } from './inspector.ts';
import { residentKilobytes } from './scene.ts';

const ENTRIES = 100_000;
const READERS = 5;
const CROWD = 100;
const MEBIBYTE = 1024 * 1024;
/** For each listing under way in the proxy: up to 10,000 entries are collected to be sorted (listed-entries.ts). */
const MOST_PER_LISTING = 8 * MEBIBYTE;
/** The storage server's share, for all together. */
const MOST_IN_STORAGE_KB = 96 * 1024;
const BATCH = 10_000;

let network: Network & AsyncDisposable;
let member: Member;
let inspector: Inspector;

test.before(async () => {
  network = await openNetwork({ members: 1, idle: true });
  member = network.member('a');
  await member.start();
  await member.stop();
  fill(join(member.stateDir, 'catalog.sqlite'));
  await member.start(Inspector.environment());
  await member.ready(1);
  inspector = await Inspector.attach(member.childPid('proxy'), () => member.process('run').output);
});
test.after.always('closed', async () => {
  inspector?.close();
  await network?.[Symbol.asyncDispose]();
});

/** Records as peers would have brought them, without their 100,000 directories on the disk. */
function fill(file: string): void {
  const catalog = new Catalog(file, conflictPath);
  const actor = 'old.00000000';
  for (let from = 1; from <= ENTRIES; from += BATCH) {
    catalog.transaction(() => {
      const changes = Array.from({ length: BATCH }, (_, index) => {
        const n = from + index;
        const stamp = 1_760_000_000_000 + n;
        const path = `/huge/a folder with quite a long name, number ${n}`;
        const dot = [actor, n] as const;
        const context = { [actor]: n };
        const record = {
          path,
          kind: 'directory',
          size: 0,
          sha256: '',
          mtime: stamp,
          dot,
          stamp,
          context,
          kept: [],
        } as const;
        return { before: undefined, after: record };
      });
      catalog.apply(changes, Date.now());
      catalog.learn({ [actor]: from + BATCH - 1 });
    });
  }
  catalog.close();
}

async function lister(line: string): Promise<{ client: RawClient; socket: Socket }> {
  const client = await member.login();
  const socket = connect({ host: member.host, port: await client.passivePort(), allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.pause();
  await once(socket, 'connect');
  client.send(`${line}\r\n`);
  const { code, text } = await client.reply();
  if (code !== 150) throw new Error(text);
  return { client, socket };
}

test.serial(
  `${READERS} slow readers of ${ENTRIES} entries each hold little memory, and get every entry`,
  async (t) => {
    t.timeout(120_000);
    // Warm: one listing, read at once.
    const first = await member.login();
    t.is((await first.download('MLSD /huge')).bytes.toString().split('\r\n').length, ENTRIES + 1);
    first.destroy();
    const warm = await inspector.memory();
    const storageWarm = residentKilobytes(member.childPid('ftp'));

    const readers: { client: RawClient; socket: Socket }[] = [];
    for (const line of ['MLSD /huge', 'LIST /huge', 'NLST /huge', 'MLSD /huge', 'LIST -la /huge'])
      readers.push(await lister(line));
    // Sockets full, everybody waits.
    let most = 0;
    for (let look = 0; look < 5; look += 1) {
      const now = await inspector.memory();
      most = Math.max(most, now.heap + now.buffers - warm.heap - warm.buffers);
      for (const { socket } of readers) socket.read(64 * 1024);
    }
    const storage = residentKilobytes(member.childPid('ftp')) - storageWarm;
    t.log(
      `${(most / MEBIBYTE / READERS).toFixed(1)} MiB for each in the proxy, ${(storage / 1024).toFixed(1)} MiB for all in the storage server`,
    );
    t.true(most < MOST_PER_LISTING * READERS, `${most} bytes in the proxy`);
    t.true(storage < MOST_IN_STORAGE_KB, `${storage} KiB in the storage server`);

    const honest = await member.login();
    t.is((await honest.upload('STOR /beside', 'somebody works')).code, 226);
    honest.destroy();
    for (const { client, socket } of readers) {
      const bytes = await readAll(socket);
      t.true(bytes.length > ENTRIES * 40);
      t.is((await client.reply()).code, 226);
      client.destroy();
    }
    await waitUntil('memory is back', async () => {
      const now = await inspector.memory();
      const left = now.heap + now.buffers - warm.heap - warm.buffers;
      return left < 4 * MEBIBYTE ? null : `${left} bytes more`;
    });
  },
);

/** What comes from another address than that of the crowd. */
async function elsewhere(client: RawClient, line: string, bytes: Buffer | null): Promise<HeardReply> {
  const localAddress = '127.0.0.5';
  const socket = connect({ host: member.host, port: await client.passivePort(), localAddress });
  socket.on('error', () => undefined);
  socket.resume();
  if (bytes !== null) socket.end(bytes);
  client.send(`${line}\r\n`);
  const first = await client.reply();
  return first.code < 200 ? await client.reply() : first;
}

test.serial(
  'one address that begins a hundred listings and reads none stops nobody else from listing, storing and fetching',
  async (t) => {
    t.timeout(120_000);
    const crowd = await Promise.all(Array.from({ length: CROWD }, () => member.login()));
    const sockets: Socket[] = [];
    for (const client of crowd) {
      const socket = connect({ host: member.host, port: await client.passivePort(), allowHalfOpen: true });
      socket.on('error', () => undefined);
      sockets.push(socket.pause());
      client.send('MLSD /huge\r\n');
    }
    const begun = () => crowd.filter(({ heard }) => heard.includes('150 ')).length;
    await waitUntil('some have begun', () => (begun() > 0 ? null : 'none'));
    const honest = await RawClient.loggedIn(member.port, { host: member.host, localAddress: '127.0.0.5' });
    t.is((await elsewhere(honest, 'LIST /', null)).code, 226);
    t.is((await elsewhere(honest, 'MLSD /huge', null)).code, 226);
    t.is((await elsewhere(honest, 'STOR /beside', Buffer.alloc(1_000_000))).code, 226);
    t.is((await elsewhere(honest, 'RETR /beside', null)).code, 226);
    t.false(
      crowd.some(({ heard }) => /^[45]\d\d /m.test(heard)),
      'those of the crowd hold what they have',
    );
    t.true(begun() < CROWD / 2, `${begun()} have begun`);
    // Those that wait can give it up, and those that vanish make way for them.
    const last = crowd.at(-1);
    last?.send('ABOR\r\n');
    t.deepEqual(await last?.replies(2), [426, 226]);
    for (const socket of sockets) socket.destroy();
    for (const client of crowd) client.destroy();
    const client = await member.login();
    t.is((await client.download('LIST /')).reply.code, 226);
    client.destroy();
    honest.destroy();
  },
);

test.serial(
  'listings that are asked for without a data connection, or whose handshake fails, leave nothing behind',
  async (t) => {
    t.timeout(120_000);
    const client = await member.login();
    for (let count = 0; count < 60; count += 1) t.is((await client.command('LIST /huge')).code, 425);
    t.is((await client.command('AUTH TLS')).code, 234);
    const inside = RawClient.around(await overTls(client.socket), member.host);
    for (const line of ['USER guest', 'PASS guest', 'PBSZ 0', 'PROT P']) await inside.command(line);
    for (let count = 0; count < 60; count += 1) {
      const socket = await inside.dataConnection();
      socket.end('no handshake');
      inside.send('MLSD /huge\r\n');
      t.deepEqual(await inside.replies(2), [150, 425]);
    }
    inside.destroy();
    const next = await member.login();
    t.is((await next.download('MLSD /huge')).reply.code, 226);
    t.is((await next.upload('STOR /beside', Buffer.alloc(1_000_000))).code, 226);
    next.destroy();
  },
);

test.serial(
  'STAT of a huge folder is cut short and says so; many of them unread take no more than a few',
  async (t) => {
    const client = await member.login();
    const { code, lines } = await client.command('STAT /huge');
    t.is(code, 213);
    t.true(lines.length < 2_100 && lines.length > 1_000, `${lines.length} lines`);
    t.regex(lines.at(-2) ?? '', /There is more/);
    const warm = await inspector.memory();
    client.socket.pause();
    client.send('STAT /huge\r\n'.repeat(200));
    await waitUntil('it stands still', async () => {
      const before = client.socket.bytesRead;
      const now = await inspector.memory();
      const grown = now.heap + now.buffers - warm.heap - warm.buffers;
      t.true(grown < 24 * MEBIBYTE, `${grown} bytes`);
      return client.socket.bytesRead === before ? null : 'not yet';
    });
    client.destroy();
    const next = await member.login();
    t.is((await next.command('NOOP')).code, 200);
    next.destroy();
  },
);

test.serial('listings that are given up in the middle leave nothing behind', async (t) => {
  const warm = await inspector.memory();
  for (let round = 0; round < 10; round += 1) {
    const { client, socket } = await lister('MLSD /huge');
    if (round % 3 === 0) socket.resetAndDestroy();
    else if (round % 3 === 1) client.socket.resetAndDestroy();
    else {
      client.send('ABOR\r\n');
      t.deepEqual(await client.replies(2), [426, 226]);
    }
    socket.destroy();
    client.destroy();
  }
  await waitUntil('memory is back', async () => {
    const now = await inspector.memory();
    const left = now.heap + now.buffers - warm.heap - warm.buffers;
    return left < 4 * MEBIBYTE ? null : `${left} bytes more`;
  });
});
