import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'ava';
import { RawClient } from './raw-client.ts';
import { until, withProxy } from './with-proxy.ts';

test('0.0.0.0 answers on IPv4 and IPv6, EPSV and EPRT on both', async (t) => {
  const { port } = await withProxy(t, { listen: { host: '0.0.0.0', port: 0 } });
  for (const [host, protocol, pasv] of [
    ['127.0.0.1', 1, 227],
    ['::1', 2, 425],
  ] as const) {
    const client = await RawClient.loggedIn(port, { host });
    t.teardown(() => client.destroy());
    t.is((await client.upload(`STOR v${protocol}`, host)).code, 226);
    t.is((await client.command(`EPSV ${protocol}`)).code, 229);
    t.is((await client.command(`EPSV ${3 - protocol}`)).code, 522);
    t.is((await client.command('PASV')).code, pasv);
    const server = createServer({ allowHalfOpen: true }).listen(0, host);
    await once(server, 'listening');
    const address = server.address();
    const dataPort = typeof address === 'object' && address !== null ? address.port : 0;
    server.once('connection', (socket) => socket.resume().on('end', () => socket.end()));
    t.is((await client.command(`EPRT |${protocol}|${host}|${dataPort}|`)).code, 200);
    client.send('NLST\r\n');
    t.deepEqual(await client.replies(2), [150, 226]);
    server.close();
  }
});

test('IPv6 addresses in another spelling are the same address', async (t) => {
  const { port } = await withProxy(t, { listen: { host: '::1', port: 0 } });
  const client = await RawClient.loggedIn(port, { host: '::1' });
  t.teardown(() => client.destroy());
  t.is((await client.command('EPRT |2|0:0:0:0:0:0:0:1|1025|')).code, 200);
  t.is((await client.command('EPRT |2|::2|1025|')).code, 500);
});

test('a busy port is one clear line', async (t) => {
  const { port } = await withProxy(t);
  await t.throwsAsync(withProxy(t, { listen: { host: '127.0.0.1', port } }), {
    message: new RegExp(`Port ${port} is in use\\..*--listen`),
  });
});

test('closing: idle sessions are told 421, a running transfer may finish, then 421', async (t) => {
  const { login, proxy, stored, port } = await withProxy(t);
  const idle = await login();
  const busy = await login();
  const data = await busy.dataConnection();
  t.is((await busy.command('STOR f')).code, 150);
  data.write('wh');
  const closing = proxy.close(60_000);
  t.is((await idle.reply()).code, 421);
  await idle.closed();
  await t.throwsAsync(RawClient.connect(port), { code: 'ECONNREFUSED' });
  t.is(proxy.counts().transfers, 1);
  data.end('ole');
  t.deepEqual(await busy.replies(2), [226, 421]);
  await closing;
  t.is(await stored('f'), 'whole');
  t.deepEqual(proxy.counts(), { sessions: 0, transfers: 0 });
});

test('closing: a transfer that does not finish in time is aborted and told', async (t) => {
  const { login, proxy, names, replicas } = await withProxy(t);
  const client = await login();
  const data = await client.dataConnection();
  t.is((await client.command('STOR f')).code, 150);
  data.write('half');
  await until(() => replicas.openUploads === 1);
  await Promise.all([proxy.close(20), client.replies(2).then((codes) => t.deepEqual(codes, [426, 421]))]);
  t.deepEqual(await names(), []);
  t.deepEqual(await replicas.stagedFiles(), []);
});

test('two hundred sessions at once, fifty of them uploading', async (t) => {
  const { port, proxy, names } = await withProxy(t, { maxSessions: 250, maxSessionsPerAddress: 250 });
  const clients = await Promise.all(Array.from({ length: 200 }, () => RawClient.loggedIn(port)));
  t.teardown(() => {
    for (const client of clients) client.destroy();
  });
  t.is(proxy.counts().sessions, 200);
  const codes = await Promise.all(
    clients
      .slice(0, 50)
      .map(async (client, index) => (await client.upload(`STOR f${index}`, Buffer.alloc(200_000))).code),
  );
  t.true(codes.every((code) => code === 226));
  t.is((await names()).length, 50);
  const answers = await Promise.all(clients.map((client) => client.command('PWD')));
  t.true(answers.every(({ code }) => code === 257));
});
