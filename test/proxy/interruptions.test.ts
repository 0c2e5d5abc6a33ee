import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { readAll } from './raw-client.ts';
import { until, withProxy } from './with-proxy.ts';

const BIG = Buffer.alloc(32 * 1024 * 1024, 'x');

test('ABOR during an upload: 426, 226, the old file stays, the session lives', async (t) => {
  const { login, put, stored, replicas } = await withProxy(t);
  await put('f', 'old');
  const client = await login();
  for (const abort of [
    'ABOR\r\n',
    Buffer.from([255, 244, 255, 242, ...Buffer.from('ABOR\r\n')]),
    'NOOP\r\nABOR\r\n',
  ]) {
    const data = await client.dataConnection();
    t.is((await client.command('STOR f')).code, 150);
    data.write('half');
    await until(() => replicas.openUploads === 1);
    client.send(abort);
    const codes = String(abort).startsWith('NOOP') ? [200, 426, 226] : [426, 226];
    t.deepEqual(await client.replies(codes.length), codes);
    t.is(await stored('f'), 'old');
    t.deepEqual(await replicas.stagedFiles(), []);
    data.destroy();
  }
  t.is((await client.command('ABOR')).code, 225);
  t.is((await client.upload('STOR f', 'new')).code, 226);
  t.is(await stored('f'), 'new');
});

test('ABOR goes ahead of commands that wait for the end of the transfer', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  const data = await client.dataConnection();
  client.send('STOR f\r\nPWD\r\nABOR\r\nSYST\r\n');
  t.deepEqual(await client.replies(5), [150, 426, 226, 257, 215]);
  data.destroy();
});

test('ABOR during a download resets the data connection', async (t) => {
  const { login, put } = await withProxy(t);
  await put('f', BIG);
  const client = await login();
  const data = await client.dataConnection();
  data.pause();
  t.is((await client.command('RETR f')).code, 150);
  client.send('ABOR\r\n');
  t.deepEqual(await client.replies(2), [426, 226]);
  t.true((await readAll(data)).length < BIG.length);
  t.is((await client.download('NLST')).bytes.toString(), 'f\r\n');
});

test('ABOR while the server waits for the data connection', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  await client.passivePort();
  client.send('STOR f\r\nABOR\r\n');
  t.deepEqual(await client.replies(2), [426, 226]);
  t.is((await client.command('NOOP')).code, 200);
});

test('ABOR after the commit has begun is too late: the upload is stored and told', async (t) => {
  const { login, replicas, stored } = await withProxy(t);
  replicas.faults.commitDelayMs = 100;
  const client = await login();
  const data = await client.dataConnection();
  data.end('whole');
  t.is((await client.command('STOR f')).code, 150);
  await until(async () => replicas.openUploads === 0);
  client.send('ABOR\r\n');
  t.deepEqual(await client.replies(2), [226, 225]);
  t.is(await stored('f'), 'whole');
});

test('STAT and NOOP are answered during a transfer, other commands wait for its end', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  const data = await client.dataConnection();
  t.is((await client.command('STOR f')).code, 150);
  data.write('12345');
  t.is((await client.command('NOOP')).code, 200);
  let status = await client.command('STAT');
  while (!status.text.includes('STOR /f: 5 bytes so far')) status = await client.command('STAT');
  t.is(status.code, 211);
  client.send('PWD\r\nNOOP\r\n');
  data.end('67890');
  t.deepEqual(await client.replies(3), [226, 257, 200]);
  t.is((await client.command('SIZE f')).text, '213 10');
});

test('QUIT during a transfer: it finishes, then 221', async (t) => {
  const { login, stored } = await withProxy(t);
  const client = await login();
  const data = await client.dataConnection();
  t.is((await client.command('STOR f')).code, 150);
  client.send('QUIT\r\n');
  data.end('whole');
  t.deepEqual(await client.replies(2), [226, 221]);
  await client.closed();
  t.is(await stored('f'), 'whole');
});

test('QUIT and FIN during an upload: it is stored', async (t) => {
  const { login, stored } = await withProxy(t);
  const client = await login();
  const data = await client.dataConnection();
  t.is((await client.command('STOR f')).code, 150);
  client.socket.end('QUIT\r\n');
  data.end('whole');
  t.deepEqual(await client.replies(2), [226, 221]);
  t.is(await stored('f'), 'whole');
});

test('a data connection that is reset leaves the old file as it was', async (t) => {
  const { login, put, stored, replicas } = await withProxy(t);
  await put('f', 'old');
  const client = await login();
  const data = await client.dataConnection();
  t.is((await client.command('STOR f')).code, 150);
  data.write('half');
  await until(() => replicas.openUploads === 1);
  data.resetAndDestroy();
  t.is((await client.reply()).code, 426);
  t.is(await stored('f'), 'old');
  t.deepEqual(await replicas.stagedFiles(), []);
});

for (const end of ['FIN', 'RST'] as const) {
  test(`a client whose control connection ends by ${end} before the upload leaves the old file as it was`, async (t) => {
    const { login, put, stored, replicas, proxy } = await withProxy(t);
    await put('f', 'old');
    const client = await login();
    const data = await client.dataConnection();
    t.is((await client.command('STOR f')).code, 150);
    data.write('half');
    await until(() => replicas.openUploads === 1);
    if (end === 'FIN') client.socket.end();
    else client.socket.resetAndDestroy();
    data.end();
    await until(() => proxy.counts().sessions === 0);
    t.is(await stored('f'), 'old');
    t.is(replicas.openUploads, 0);
    t.deepEqual(await replicas.stagedFiles(), []);
  });

  test(`with acceptAbruptClose an upload is stored although the control connection ended by ${end}`, async (t) => {
    const { login, stored, replicas, proxy } = await withProxy(t, { acceptAbruptClose: true });
    const client = await login();
    const data = await client.dataConnection();
    t.is((await client.command('STOR f')).code, 150);
    data.write('who');
    await until(() => replicas.openUploads === 1);
    if (end === 'FIN') client.socket.end();
    else client.socket.resetAndDestroy();
    data.end('le');
    await until(() => proxy.counts().sessions === 0);
    t.is(await stored('f'), 'whole');
  });
}

test('a killed client (control and data end together) leaves no file', async (t) => {
  const { login, names, replicas, proxy } = await withProxy(t);
  for (let round = 0; round < 20; round += 1) {
    const client = await login();
    const data = await client.dataConnection();
    t.is((await client.command('STOR f')).code, 150);
    data.write('half');
    await until(() => replicas.openUploads === 1);
    // The order in which a dying process closes its sockets: oldest first.
    client.socket.destroy();
    data.destroy();
    await until(() => proxy.counts().sessions === 0);
    t.deepEqual(await names(), []);
  }
});

test('a client killed in the middle of a long upload, whose data connection ends first, leaves no file', async (t) => {
  const { login, names, replicas, proxy } = await withProxy(t);
  const client = await login();
  const data = await client.dataConnection();
  t.is((await client.command('STOR f')).code, 150);
  data.write('half');
  await until(() => replicas.openUploads === 1);
  await pause(600);
  // Linux closes the last opened first, and may do something else in between.
  data.destroy();
  await pause(5);
  client.socket.destroy();
  await until(() => proxy.counts().sessions === 0);
  t.deepEqual(await names(), []);
});

test('a killed client with many commands waiting behind its upload leaves no file', async (t) => {
  const { login, names, replicas, proxy } = await withProxy(t);
  for (const waiting of [100, 30_000, 100_000]) {
    const client = await login();
    const data = await client.dataConnection();
    client.send(`STOR f\r\n${'PWD\r\n'.repeat(waiting)}`);
    await client.reply();
    data.write('half');
    await until(() => replicas.openUploads === 1);
    client.socket.pause();
    client.socket.end();
    data.end();
    await until(() => replicas.openUploads === 0);
    t.deepEqual(await names(), [], `${waiting} waiting`);
    client.destroy();
    await until(() => proxy.counts().sessions === 0);
  }
});

test('a client with many commands waiting behind its upload gets it stored and them answered', async (t) => {
  const { login, stored } = await withProxy(t);
  const client = await login();
  const data = await client.dataConnection();
  data.end('whole');
  client.send(`STOR f\r\n${'PWD\r\n'.repeat(5000)}`);
  const codes = await client.replies(5002);
  t.deepEqual(codes.slice(0, 2), [150, 226]);
  t.true(codes.slice(2).every((code) => code === 257));
  t.is(await stored('f'), 'whole');
});

test('a download whose client goes away ends, and the session lives', async (t) => {
  const { login, put } = await withProxy(t);
  await put('f', BIG);
  const client = await login();
  const data = await client.dataConnection();
  data.pause();
  t.is((await client.command('RETR f')).code, 150);
  data.destroy();
  t.is((await client.reply()).code, 426);
  t.is((await client.download('NLST')).bytes.toString(), 'f\r\n');
});

test('a data connection that stands still is 426; a slow member is not the fault of the client', async (t) => {
  const { login, put, names, replicas } = await withProxy(t, { limits: { stallMs: 60 } });
  await put('big', BIG);
  const client = await login();
  const upload = await client.dataConnection();
  t.is((await client.command('STOR f')).code, 150);
  upload.write('half');
  t.is((await client.reply()).code, 426);
  const download = await client.dataConnection();
  download.pause();
  t.is((await client.command('RETR big')).code, 150);
  t.is((await client.reply()).code, 426);
  t.deepEqual(await names(), ['big']);
  // Longer than two limits: the clock has to be wound up again each time.
  replicas.faults.writeDelayMs = 150;
  t.is((await client.upload('STOR slow', Buffer.alloc(300_000))).code, 226);
});

test('a stranger at the passive port is dropped and the session lives', async (t) => {
  const { login, stored, log } = await withProxy(t);
  const client = await login();
  const port = await client.passivePort();
  const thief = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.66' });
  thief.on('error', () => undefined);
  thief.write('stolen');
  await new Promise((resolve) => thief.once('close', resolve));
  client.send('STOR f\r\n');
  connect(port, '127.0.0.1').end('mine');
  t.deepEqual(await client.replies(2), [150, 226]);
  t.is(await stored('f'), 'mine');
  t.true(log.some(({ level, details }) => level === 'warn' && details['from'] === '127.0.0.66'));
});

test('PORT and EPRT to another address or a low port are refused, and EPSV ALL refuses them all', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  for (const [line, code] of [
    ['PORT 10,0,0,1,40,1', 500],
    ['EPRT |1|10.0.0.1|10241|', 500],
    ['PORT 127,0,0,2,40,1', 500],
    ['PORT 127,0,0,1,0,22', 500],
    ['EPRT |1|127.0.0.1|1023|', 500],
    ['EPRT |1|127.0.0.1|0|', 500],
    ['EPRT |2|::1|10241|', 522],
    ['EPRT |2|::ffff:127.0.0.1|10241|', 522],
    ['EPRT |3|x|1|', 522],
    ['PORT 127,0,0,1,40', 501],
    ['EPRT 127.0.0.1 5000', 501],
  ] as const) {
    t.is((await client.command(line)).code, code, line);
    t.is((await client.command('NLST')).code, 425, `after ${line}`);
  }
  t.is((await client.command('EPSV ALL')).code, 200);
  for (const line of ['PORT 127,0,0,1,40,1', 'EPRT |1|127.0.0.1|10241|', 'PASV']) {
    t.is((await client.command(line)).code, 501, line);
  }
  t.is((await client.download('NLST')).reply.code, 226);
});
