import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readAll } from './raw-client.ts';
import { TlsClient, VERSIONS } from './tls-client.ts';
import { testTls } from './tls-provider.ts';
import { until, withProxy } from './with-proxy.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const BIG = randomBytes(8 * 1024 * 1024 + 17);

for (const version of VERSIONS) {
  for (const how of ['passive', 'active'] as const) {
    test(`${version}, ${how}: files go up and come down as they are, empty ones too, and listings come whole`, async (t) => {
      const { port, replicas } = await withProxy(t, { tls: await testTls() });
      const client = await TlsClient.loggedIn(port, { version });
      for (const [name, bytes] of [
        ['empty', Buffer.alloc(0)],
        ['small', Buffer.from('12345')],
        ['big', BIG],
      ] as const) {
        t.is((await client.upload(`STOR ${name}`, bytes, how)).reply.code, 226, name);
        t.is(sha256(await readFile(join(replicas.files, name))), sha256(bytes), name);
        const down = await client.download(`RETR ${name}`, how);
        t.is(down.reply.code, 226);
        t.is(sha256(down.bytes), sha256(bytes), name);
      }
      const listing = await client.download('NLST', how);
      t.is(listing.bytes.toString(), 'big\r\nempty\r\nsmall\r\n');
      client.destroy();
    });
  }

  test(`${version}: data connections resume the session of the control connection, one after the other`, async (t) => {
    const { port } = await withProxy(t, { tls: await testTls() });
    const client = await TlsClient.loggedIn(port, { version });
    t.false(client.tls.isSessionReused());
    for (let round = 0; round < 3; round += 1) {
      t.true((await client.upload('STOR f', 'content')).resumed, 'up');
      t.true((await client.download('RETR f')).resumed, 'down');
      t.true((await client.download('LIST', 'active')).resumed, 'active');
    }
    client.session = undefined;
    const without = await client.download('RETR f');
    t.false(without.resumed);
    t.is(without.bytes.toString(), 'content');
    client.destroy();
  });

  test(`${version}: PROT C sends in plain text, PROT P does not`, async (t) => {
    const { port, put } = await withProxy(t, { tls: await testTls() });
    await put('f', 'in plain text');
    const client = await TlsClient.loggedIn(port, { version });
    t.is((await client.command('PROT C')).code, 200);
    t.is((await client.control.download('RETR f')).bytes.toString(), 'in plain text');
    t.is((await client.command('PROT P')).code, 200);
    const { plain } = await client.passive();
    const heard = readAll(plain);
    t.is((await client.command('RETR f')).code, 150);
    plain.write('no ClientHello at all');
    t.is((await client.control.reply()).code, 425);
    t.notRegex((await heard).toString('latin1'), /plain/);
    t.is((await client.download('RETR f')).bytes.toString(), 'in plain text');
    client.destroy();
  });

  test(`${version}: ABOR, STAT and NOOP during an upload, and ABOR leaves the old file`, async (t) => {
    const { port, put, stored, replicas } = await withProxy(t, { tls: await testTls() });
    await put('f', 'old');
    const client = await TlsClient.loggedIn(port, { version });
    const data = await client.passive();
    t.is((await client.command('STOR f')).code, 150);
    const socket = await data.secure();
    socket.write('12345');
    t.is((await client.command('NOOP')).code, 200);
    let status = await client.command('STAT');
    while (!status.text.includes('STOR /f: 5 bytes so far')) status = await client.command('STAT');
    client.control.send(Buffer.from([255, 244, 255, 242, ...Buffer.from('ABOR\r\n')]));
    t.deepEqual(await client.control.replies(2), [426, 226]);
    t.is(await stored('f'), 'old');
    t.is(replicas.openUploads, 0);
    t.is((await client.upload('STOR f', 'new')).reply.code, 226);
    t.is(await stored('f'), 'new');
    client.destroy();
  });

  test(`${version}: ABOR during a download resets the connection: no close_notify, no FIN`, async (t) => {
    const { port, put } = await withProxy(t, { tls: await testTls() });
    await put('f', Buffer.alloc(32 * 1024 * 1024));
    const client = await TlsClient.loggedIn(port, { version });
    const data = await client.passive();
    t.is((await client.command('RETR f')).code, 150);
    const socket = await data.secure();
    await once(socket, 'readable');
    client.control.send('ABOR\r\n');
    t.deepEqual(await client.control.replies(2), [426, 226]);
    let ended = false;
    socket.once('end', () => {
      ended = true;
    });
    const failed = once(socket, 'error');
    socket.resume();
    t.is(((await failed) as [Error & { code: string }])[0].code, 'ECONNRESET');
    t.false(ended);
    client.destroy();
  });

  test(`${version}: a client that is killed in the middle of an upload leaves the old file`, async (t) => {
    const { port, put, stored, replicas, proxy } = await withProxy(t, { tls: await testTls() });
    await put('f', 'old');
    for (const how of ['reset', 'fin'] as const) {
      const client = await TlsClient.loggedIn(port, { version });
      const data = await client.passive();
      t.is((await client.command('STOR f')).code, 150);
      (await data.secure()).write(Buffer.alloc(300_000));
      await until(() => replicas.openUploads === 1);
      if (how === 'reset') {
        data.plain.resetAndDestroy();
        client.destroy();
      } else {
        // A kernel closes all sockets of a killed process, the control connection among them.
        client.destroy();
        data.plain.destroy();
      }
      await until(() => proxy.counts().sessions === 0);
      t.is(await stored('f'), 'old', how);
      t.deepEqual(await replicas.stagedFiles(), []);
    }
  });

  test(`${version}: a data connection that is reset in the middle of an upload is 426, and the session lives`, async (t) => {
    const { port, put, stored, replicas } = await withProxy(t, { tls: await testTls() });
    await put('f', 'old');
    const client = await TlsClient.loggedIn(port, { version });
    const data = await client.passive();
    t.is((await client.command('STOR f')).code, 150);
    (await data.secure()).write('half');
    await until(async () => (await client.command('STAT')).text.includes(' 4 bytes so far'));
    data.plain.resetAndDestroy();
    t.is((await client.control.reply()).code, 426);
    t.is(await stored('f'), 'old');
    t.deepEqual(await replicas.stagedFiles(), []);
    t.is((await client.upload('STOR f', 'new')).reply.code, 226);
    client.destroy();
  });

  test(`${version}: a source that fails resets the download, so that half a file never looks whole`, async (t) => {
    const { port, put, replicas } = await withProxy(t, { tls: await testTls() });
    await put('f', Buffer.alloc(3_000_000, 'x'));
    replicas.faults.readBreaksAfter = 1_000_000;
    const client = await TlsClient.loggedIn(port, { version });
    const data = await client.passive();
    t.is((await client.command('RETR f')).code, 150);
    const socket = await data.secure();
    let ended = false;
    socket.once('end', () => {
      ended = true;
    });
    const bytes = readAll(socket);
    t.true((await client.control.reply()).code >= 400);
    t.true((await bytes).length < 3_000_000);
    t.false(ended);
    client.destroy();
  });
}

test('ABOR while the client has not begun its handshake', async (t) => {
  const { port, names } = await withProxy(t, { tls: await testTls() });
  const client = await TlsClient.loggedIn(port);
  const { plain } = await client.passive();
  t.is((await client.command('STOR f')).code, 150);
  client.control.send('ABOR\r\n');
  t.deepEqual(await client.control.replies(2), [426, 226]);
  plain.destroy();
  t.deepEqual(await names(), []);
  t.is((await client.command('NOOP')).code, 200);
  client.destroy();
});

test('a data connection whose handshake never comes, is garbage or a hang-up is 425 and nothing is stored', async (t) => {
  const { port, put, stored, replicas, log } = await withProxy(t, {
    tls: await testTls(),
    limits: { handshakeMs: 700 },
  });
  await put('f', 'old');
  const client = await TlsClient.loggedIn(port);
  for (const how of ['silence', 'garbage', 'FIN', 'reset'] as const) {
    for (const line of ['STOR f', 'RETR f']) {
      const { plain } = await client.passive();
      plain.resume();
      t.is((await client.command(line)).code, 150);
      if (how === 'garbage') plain.write(Buffer.alloc(1000, 'x'));
      if (how === 'FIN') plain.end();
      if (how === 'reset') plain.resetAndDestroy();
      t.is((await client.control.reply()).code, 425, `${how} ${line}`);
      t.is(await stored('f'), 'old');
      plain.destroy();
    }
  }
  await until(() => replicas.openUploads === 0);
  t.deepEqual(await replicas.stagedFiles(), []);
  t.deepEqual(
    log.filter(({ level }) => level === 'error'),
    [],
  );
  client.destroy();
});

test('a FIN without close_notify ends an upload, as many clients do it', async (t) => {
  const { port, stored } = await withProxy(t, { tls: await testTls() });
  for (const version of VERSIONS) {
    const client = await TlsClient.loggedIn(port, { version });
    const data = await client.passive();
    t.is((await client.command('STOR f')).code, 150);
    const socket = await data.secure();
    await new Promise((resolve) => socket.write(`by ${version}`, resolve));
    data.plain.end();
    t.is((await client.control.reply()).code, 226);
    t.is(await stored('f'), `by ${version}`);
    client.destroy();
  }
});

for (const version of VERSIONS) {
  test(`${version}: with strictTlsClose an upload is stored after close_notify only`, async (t) => {
    const { port, put, stored, replicas } = await withProxy(t, {
      tls: await testTls(),
      strictTlsClose: true,
    });
    const client = await TlsClient.loggedIn(port, { version });
    for (const how of ['passive', 'active'] as const) {
      for (const bytes of [Buffer.alloc(0), Buffer.from('small'), BIG]) {
        t.is((await client.upload('STOR whole', bytes, how)).reply.code, 226);
        t.is(sha256(await readFile(join(replicas.files, 'whole'))), sha256(bytes));
      }
    }
    t.is((await client.download('RETR whole')).bytes.length, BIG.length);
    await put('f', 'old');
    for (const end of ['FIN', 'RST'] as const) {
      const data = await client.passive();
      t.is((await client.command('STOR f')).code, 150);
      const socket = await data.secure();
      await new Promise((resolve) => socket.write(BIG.subarray(0, 300_000), resolve));
      await until(async () => (await client.command('STAT')).text.includes(' 300000 bytes so far'));
      if (end === 'FIN') data.plain.end();
      else data.plain.resetAndDestroy();
      t.is((await client.control.reply()).code, 426, end);
      t.is(await stored('f'), 'old');
      t.deepEqual(await replicas.stagedFiles(), []);
      data.plain.destroy();
    }
    const data = await client.passive();
    t.is((await client.command('STOR f')).code, 150);
    (await data.secure()).write('half');
    client.control.send('ABOR\r\n');
    t.deepEqual(await client.control.replies(2), [426, 226]);
    t.is(await stored('f'), 'old');
    client.destroy();
  });
}

test('STAT tells what is encrypted', async (t) => {
  const { port, login } = await withProxy(t, { tls: await testTls() });
  t.regex((await (await login()).command('STAT')).text, /Control connection: clear, data connections: clear/);
  const client = await TlsClient.loggedIn(port);
  t.regex((await client.command('STAT')).text, /Control connection: TLS, data connections: TLS/);
  client.destroy();
});
