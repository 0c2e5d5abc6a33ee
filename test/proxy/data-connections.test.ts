/** Data connections before, behind and instead of the command; the session outlives them all. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test from 'ava';
import { type RawClient, readAll } from './raw-client.ts';
import { until, withProxy } from './with-proxy.ts';

async function connected(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** FIN or reset from the other side. */
async function gone(socket: Socket): Promise<void> {
  socket.resume();
  await new Promise<void>((resolve) => {
    socket.once('end', resolve);
    socket.once('close', () => resolve());
  });
  socket.destroy();
}

/** A whole transfer says that nothing of the last one is left. */
async function works(client: RawClient): Promise<boolean> {
  const [up, down] = [await client.upload('STOR works', 'x'), await client.download('RETR works')];
  await client.command('DELE works');
  return up.code === 226 && down.bytes.toString() === 'x';
}

test('a data connection without a command is closed in time, and the session lives', async (t) => {
  const { login, names } = await withProxy(t, { limits: { passiveLifetimeMs: 50 } });
  const client = await login();
  const data = await connected(await client.passivePort());
  data.write('for nobody');
  await gone(data);
  t.is((await client.command('STOR f')).code, 425);
  t.true(await works(client));
  t.deepEqual(await names(), []);
});

test('a data connection that was reset before the command is told, not waited for', async (t) => {
  const { login, names, put } = await withProxy(t, { limits: { dataConnectionMs: 100 } });
  await put('g', 'content');
  const client = await login();
  for (const line of ['STOR f', 'NLST', 'RETR g', 'RETR missing']) {
    const data = await connected(await client.passivePort());
    data.write('half');
    await client.command('NOOP');
    data.resetAndDestroy();
    await client.command('NOOP');
    const codes = [(await client.command(line)).code];
    if (codes[0] === 150) codes.push((await client.reply()).code);
    t.true([425, 426, 550].includes(codes.at(-1) ?? 0), `${line}: ${codes}`);
    t.true(await works(client), line);
  }
  t.deepEqual(await names(), ['g']);
});

test('all bytes and the FIN before the command are a whole upload', async (t) => {
  const { login, stored } = await withProxy(t);
  const client = await login();
  const data = await connected(await client.passivePort());
  data.end('early');
  await client.command('NOOP');
  t.is((await client.command('STOR f')).code, 150);
  t.is((await client.reply()).code, 226);
  t.is(await stored('f'), 'early');
});

test('whoever connects twice is served on the first connection', async (t) => {
  const { login, stored } = await withProxy(t);
  const client = await login();
  const port = await client.passivePort();
  const first = await connected(port);
  const second = connect({ host: '127.0.0.1', port });
  const refused = new Promise((resolve) => second.once('close', resolve));
  second.on('error', () => undefined);
  second.resume();
  second.write('second');
  t.is((await Promise.all([client.command('STOR f'), refused]))[0].code, 150);
  first.end('first');
  t.is((await client.reply()).code, 226);
  t.is(await stored('f'), 'first');
  t.true(await works(client));
});

test('a new EPSV, PASV, PORT or REIN closes the port of the last one, connected or not', async (t) => {
  const { login } = await withProxy(t);
  for (const line of ['EPSV', 'PASV', 'PORT 127,0,0,1,200,1', 'REIN']) {
    for (const early of [true, false]) {
      const client = await login();
      const port = await client.passivePort();
      const data = early ? await connected(port) : null;
      const closed = data === null ? null : gone(data);
      t.true((await client.command(line)).code < 300, line);
      await closed;
      const late = connect({ host: '127.0.0.1', port });
      await t.throwsAsync(once(late, 'connect'), { code: 'ECONNREFUSED' }, line);
      client.destroy();
    }
  }
});

test('the end of the control connection closes a port that waits and a connection without command', async (t) => {
  const { login, proxy } = await withProxy(t);
  const client = await login();
  const port = await client.passivePort();
  const data = await connected(port);
  client.destroy();
  await gone(data);
  const late = connect({ host: '127.0.0.1', port });
  await t.throwsAsync(once(late, 'connect'), { code: 'ECONNREFUSED' });
  await until(() => proxy.counts().sessions === 0);
});

test('QUIT during a download: all bytes arrive, then 226 and 221', async (t) => {
  const { login, put } = await withProxy(t);
  const bytes = Buffer.alloc(12 * 1024 * 1024, 'x');
  await put('large', bytes);
  const client = await login();
  const data = await client.dataConnection();
  data.pause();
  t.is((await client.command('RETR large')).code, 150);
  client.send('QUIT\r\n');
  t.true((await readAll(data)).equals(bytes));
  t.deepEqual(await client.replies(2), [226, 221]);
  await client.closed();
});

test('bytes that a client sends into a listing or a download are nothing', async (t) => {
  const { login, put, names } = await withProxy(t);
  await put('f', 'content');
  const client = await login();
  for (const [line, expected] of [
    ['NLST', 'f\r\n'],
    ['RETR f', 'content'],
  ] as const) {
    const data = await client.dataConnection();
    data.write('unasked');
    const bytes = readAll(data);
    t.is((await client.command(line)).code, 150);
    t.is((await client.reply()).code, 226);
    t.is((await bytes).toString(), expected);
  }
  t.deepEqual(await names(), ['f']);
});

test('who asks for a listing and never connects keeps nobody from listing', async (t) => {
  const { login, put, proxy } = await withProxy(t, { limits: { dataConnectionMs: 600_000 } });
  await put('f', 'x');
  const waiting = await Promise.all(Array.from({ length: 45 }, () => login()));
  for (const [index, client] of waiting.entries()) {
    await client.passivePort();
    client.send(`${['LIST', 'NLST', 'MLSD', 'NLST f*'][index % 4]}\r\n`);
  }
  await until(() => proxy.counts().transfers === waiting.length);
  const client = await login();
  for (const line of ['LIST', 'NLST', 'MLSD', 'NLST *'])
    t.is((await client.download(line)).reply.code, 226, line);
  t.is((await client.command('STAT /')).code, 213);
});
