import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { readAll } from './raw-client.ts';
import { withProxy } from './with-proxy.ts';

test('an upload comes back byte for byte, empty files too', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  for (const size of [0, 1, 65_536, 3_000_001]) {
    const bytes = randomBytes(size);
    t.is((await client.upload(`STOR f${size}`, bytes)).text, '226 Stored (1 of 1 members).');
    const got = await client.download(`RETR f${size}`);
    t.is(got.reply.code, 226);
    t.true(got.bytes.equals(bytes));
    t.is((await client.command(`SIZE f${size}`)).text, `213 ${size}`);
  }
});

test('TYPE A changes no byte, up or down, and SIZE is the same', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  const text = 'a\nb\r\nc\rd\r\r\n\u00ff';
  await client.command('TYPE A');
  t.is((await client.upload('STOR t', text)).code, 226);
  t.is((await client.download('RETR t')).bytes.toString(), text);
  t.is((await client.command('SIZE t')).text, `213 ${Buffer.byteLength(text)}`);
});

test('the data connection may come before the command, after it, and after an early 150', async (t) => {
  const { login, stored } = await withProxy(t, { limits: { early150Ms: 20 } });
  const client = await login();
  t.is((await client.upload('STOR before', 'before')).code, 226);

  const port = await client.passivePort();
  client.send('STOR after\r\n');
  const after = connect(port, '127.0.0.1');
  after.end('after');
  t.deepEqual(await client.replies(2), [150, 226]);

  const later = await client.passivePort();
  t.is((await client.command('STOR last')).code, 150);
  connect(later, '127.0.0.1').end('last');
  t.is((await client.reply()).code, 226);
  t.deepEqual(
    [await stored('before'), await stored('after'), await stored('last')],
    ['before', 'after', 'last'],
  );
});

test('PASV names the address the client came to', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  t.regex((await client.command('PASV')).text, /^227 [^(]*\(127,0,0,1,\d+,\d+\)/);
});

test('the server connects to PORT and EPRT', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  for (const verb of ['PORT', 'EPRT']) {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const line = verb === 'PORT' ? `PORT 127,0,0,1,${port >> 8},${port & 255}` : `EPRT |1|127.0.0.1|${port}|`;
    t.is((await client.command(line)).code, 200);
    client.send(`STOR ${verb}\r\n`);
    const [socket] = (await once(server, 'connection')) as [Socket];
    socket.end(verb);
    t.deepEqual(await client.replies(2), [150, 226]);
    server.close();
  }
});

test('a transfer without PASV or PORT, or whose client never connects, is 425', async (t) => {
  const { login, names } = await withProxy(t, { limits: { dataConnectionMs: 50 } });
  const client = await login();
  t.is((await client.command('STOR x')).code, 425);
  await client.passivePort();
  t.is((await client.command('STOR x')).code, 425);
  await client.command('EPRT |1|127.0.0.1|1025|');
  t.is((await client.command('STOR x')).code, 425);
  t.deepEqual(await names(), []);
});

test('REST resumes a download at every place, and past the end it is 554', async (t) => {
  const { login, put } = await withProxy(t);
  await put('f', '0123456789');
  const client = await login();
  for (const at of [0, 1, 9, 10]) {
    t.is((await client.command(`REST ${at}`)).code, 350);
    const got = await client.download('RETR f');
    t.is(got.reply.code, 226);
    t.is(got.bytes.toString(), '0123456789'.slice(at));
  }
  await client.command('REST 11');
  t.is((await client.download('RETR f')).reply.code, 554);
  t.is((await client.download('RETR f')).bytes.toString(), '0123456789', 'REST holds for one transfer');
});

test('REST and STOR keep the beginning and replace the rest', async (t) => {
  const { login, put, stored } = await withProxy(t);
  await put('f', '0123456789');
  const client = await login();
  await client.command('REST 4');
  t.is((await client.upload('STOR f', 'ab')).code, 226);
  t.is(await stored('f'), '0123ab');
  await client.command('REST 7');
  t.is((await client.upload('STOR f', 'ab')).code, 554);
  await client.command('REST 1');
  t.is((await client.upload('STOR new', 'ab')).code, 554);
  t.is(await stored('f'), '0123ab');
  t.is(await stored('new'), null);
});

test('APPE adds to a file, or makes it', async (t) => {
  const { login, stored } = await withProxy(t);
  const client = await login();
  for (const part of ['one', 'two', '', 'three']) t.is((await client.upload('APPE f', part)).code, 226);
  t.is(await stored('f'), 'onetwothree');
});

test('STOU tells a free name in the 150', async (t) => {
  const { login, stored, put, names } = await withProxy(t);
  await put('given', 'old');
  const client = await login();
  const told: string[] = [];
  for (const line of ['STOU', 'STOU', 'STOU given', 'STOU free']) {
    const data = await client.dataConnection();
    data.end(line);
    const [, name] = /^150 FILE: (\S+)$/.exec((await client.command(line)).text) ?? [];
    t.is((await client.reply()).code, 226);
    t.is(await stored(name ?? ''), line);
    told.push(name ?? '');
  }
  t.is(told[3], 'free');
  t.is(await stored('given'), 'old');
  t.is((await names()).length, 5);
});

test('ALLO: another number of bytes is not stored, too much is refused before the upload, 0 means nothing', async (t) => {
  const { login, put, stored, replicas } = await withProxy(t);
  await put('f', 'old');
  const client = await login();
  await client.command('ALLO 5');
  t.is((await client.upload('STOR f', 'four')).code, 451);
  t.is(await stored('f'), 'old');
  await client.command('ALLO 4');
  t.is((await client.upload('STOR f', 'four')).code, 226);
  await client.command('ALLO 0');
  t.is((await client.upload('STOR f', 'more')).code, 226);
  t.is((await client.upload('STOR f', 'x')).code, 226, 'an ALLO holds for one upload');
  await client.command('ALLO 3');
  await client.command('REST 1');
  t.is((await client.upload('STOR f', 'yz')).code, 226, 'ALLO may tell the whole size of a resumed upload');
  replicas.faults.freeBytes = 10;
  await client.command('ALLO 11');
  t.is((await client.upload('STOR f', 'x'.repeat(11))).code, 452);
  t.is(await stored('f'), 'xyz');
  t.deepEqual(await replicas.stagedFiles(), []);
});

test('an upload to a directory, into a file, or where no directory is, is refused before any byte', async (t) => {
  const { login, put, replicas } = await withProxy(t);
  await put('file', 'x');
  await mkdir(join(replicas.files, 'dir'));
  const client = await login();
  for (const path of ['/', 'dir', 'dir/', 'file/x', 'missing/x']) {
    for (const verb of ['STOR', 'APPE'])
      t.is((await client.upload(`${verb} ${path}`, 'y')).code, 550, `${verb} ${path}`);
  }
  for (const path of ['/', 'dir', 'missing'])
    t.is((await client.download(`RETR ${path}`)).reply.code, 550, path);
  t.deepEqual(await readdir(replicas.files), ['dir', 'file']);
  t.deepEqual(await replicas.stagedFiles(), []);
});

test('an --ack mode that is not met is 451 with the sentence', async (t) => {
  const { login, replicas } = await withProxy(t);
  replicas.faults.acknowledged = false;
  const client = await login();
  t.is((await client.upload('STOR f', 'x')).text, '451 Stored (1 of 1 members).');
  t.is((await client.command('MKD d')).code, 451);
  t.is((await client.command('DELE f')).code, 451);
});

test('a download that turns out wrong is reset and never 226', async (t) => {
  const { login, put, replicas } = await withProxy(t);
  await put('f', Buffer.alloc(4_000_000, 'x'));
  replicas.faults.readBreaksAfter = 2_000_000;
  const client = await login();
  const data = await client.dataConnection();
  let reset = false;
  data.once('error', () => {
    reset = true;
  });
  const bytes = readAll(data);
  t.is((await client.command('RETR f')).code, 150);
  t.is((await client.reply()).code, 451);
  t.true((await bytes).length < 4_000_000);
  t.true(reset);
  t.is((await client.command('NOOP')).code, 200);
});
