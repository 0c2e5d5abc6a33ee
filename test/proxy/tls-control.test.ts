import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import test from 'ava';
import { overTls, TlsClient, VERSIONS } from './tls-client.ts';
import { testTls } from './tls-provider.ts';
import { until, withProxy } from './with-proxy.ts';

for (const version of VERSIONS) {
  test(`AUTH TLS, TLS-C, TLS-P and SSL all begin ${version}, and the session goes on inside it`, async (t) => {
    const { connect } = await withProxy(t, { tls: await testTls() });
    for (const mechanism of ['TLS', 'TLS-C', 'TLS-P', 'SSL', 'tls']) {
      const plain = await connect();
      t.is((await plain.command(`AUTH ${mechanism}`)).code, 234);
      const client = new TlsClient(await overTls(plain.socket, version), 0, version);
      t.is(client.tls.getProtocol(), version);
      t.is((await client.command('USER guest')).code, 331);
      t.is((await client.command('PASS guest')).code, 230);
      t.is((await client.command('PWD')).code, 257);
      t.is((await client.command('QUIT')).code, 221);
      await client.control.closed();
    }
  });
}

for (const requireTls of [false, true]) {
  test(`devices that say AUTH SSL or AUTH TLS-P protect data connections without PBSZ and PROT (requireTls ${requireTls})`, async (t) => {
    const { connect, put, port } = await withProxy(t, { tls: await testTls(), requireTls });
    await put('f', 'content');
    for (const mechanism of ['SSL', 'TLS-P', 'ssl']) {
      const plain = await connect();
      t.is((await plain.command(`AUTH ${mechanism}`)).code, 234);
      const client = new TlsClient(await overTls(plain.socket), port, undefined);
      t.is((await client.command('USER guest')).code, 331);
      t.is((await client.command('PASS guest')).code, 230);
      const { reply, bytes } = await client.download('RETR f');
      t.is(reply.code, 226, mechanism);
      t.is(bytes.toString(), 'content');
      t.is((await client.command('PROT C')).code, requireTls ? 534 : 200, 'as elsewhere');
      if (!requireTls)
        t.is((await client.control.download('RETR f')).bytes.toString(), 'content', 'PROT C in plain text');
      client.destroy();
    }
  });
}

test('who says AUTH TLS or AUTH TLS-C has data connections in plain text until PROT P', async (t) => {
  const { connect, put, port } = await withProxy(t, { tls: await testTls() });
  await put('f', 'content');
  for (const mechanism of ['TLS', 'TLS-C']) {
    const plain = await connect();
    t.is((await plain.command(`AUTH ${mechanism}`)).code, 234);
    const client = new TlsClient(await overTls(plain.socket), port, undefined);
    t.is((await client.command('USER guest')).code, 331);
    t.is((await client.command('PASS guest')).code, 230);
    t.is((await client.command('PROT P')).code, 503, 'PBSZ comes first');
    t.is((await client.control.download('RETR f')).bytes.toString(), 'content', mechanism);
    client.destroy();
  }
});

test('TLS 1.1 and 1.0 are refused', async (t) => {
  const { port, connect, proxy } = await withProxy(t, { tls: await testTls() });
  for (const version of ['TLSv1.1', 'TLSv1'] as const) {
    const plain = await connect();
    t.is((await plain.command('AUTH TLS')).code, 234);
    const secured = connectTls({
      socket: plain.socket,
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
      ciphers: 'ALL@SECLEVEL=0',
    });
    const [error] = (await once(secured, 'error')) as [Error & { code: string }];
    t.is(error.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  }
  await until(() => proxy.counts().sessions === 0);
  (await TlsClient.loggedIn(port)).destroy();
});

test('FEAT tells of TLS where there is some, and AUTH is 504 where there is none', async (t) => {
  const lines = [' AUTH TLS', ' PBSZ', ' PROT'];
  const { connect } = await withProxy(t, { tls: await testTls() });
  const features = await (await connect()).command('FEAT');
  t.deepEqual(
    lines.filter((line) => !features.lines.includes(line)),
    [],
  );
  const without = await (await withProxy(t)).connect();
  const fewer = await without.command('FEAT');
  t.deepEqual(
    lines.filter((line) => fewer.lines.includes(line)),
    [],
  );
  t.is((await without.command('AUTH TLS')).code, 504);
});

test('the codes of AUTH, PBSZ, PROT and CCC in right and wrong order', async (t) => {
  const { port, connect } = await withProxy(t, { tls: await testTls() });
  const plain = await connect();
  for (const [line, code] of [
    ['AUTH', 501],
    ['AUTH KERBEROS_V4', 504],
    ['PBSZ 0', 503],
    ['PROT P', 503],
    ['CCC', 502],
  ] as const) {
    t.is((await plain.command(line)).code, code, line);
  }
  const client = await TlsClient.connect(port);
  for (const [line, code] of [
    ['PWD', 530],
    ['PROT P', 503],
    ['PBSZ', 501],
    ['PBSZ x', 501],
    ['PBSZ 4294967296', 501],
    ['PBSZ 4294967295', 200],
    ['PROT', 501],
    ['PROT X', 504],
    ['PROT S', 536],
    ['PROT E', 536],
    ['PROT C', 200],
    ['PROT P', 200],
    ['prot p', 200],
    ['AUTH TLS', 503],
    ['AUTH FROB', 504],
    ['CCC', 502],
    ['REIN', 502],
    ['NOOP', 200],
  ] as const) {
    t.is((await client.command(line)).code, code, line);
  }
  client.destroy();
});

test('a login made before AUTH is gone after it', async (t) => {
  const { login } = await withProxy(t, { tls: await testTls() });
  const plain = await login();
  t.is((await plain.command('REST 5')).code, 350);
  t.is((await plain.command('AUTH TLS')).code, 234);
  const client = new TlsClient(await overTls(plain.socket), 0, undefined);
  t.is((await client.command('PWD')).code, 530);
  t.is((await client.command('PASS guest')).code, 503);
  t.is((await client.command('USER guest')).code, 331);
  t.is((await client.command('PASS guest')).code, 230);
  client.destroy();
});

for (const injected of [
  'MKD injected\r\n',
  'MKD inj',
  'NOOP\r\n'.repeat(100),
  `${'x'.repeat(20_000)}`,
  '\u00ff\u00fa',
  '\u00ff\u00fd',
]) {
  test(`plain text behind AUTH TLS is dropped, in the same segment: ${JSON.stringify(injected.slice(0, 20))}`, async (t) => {
    const { login, names } = await withProxy(t, { tls: await testTls() });
    const plain = await login();
    plain.send(Buffer.from(`NOOP\r\nAUTH TLS\r\n${injected}`, 'latin1'));
    t.deepEqual(await plain.replies(2), [200, 234]);
    const client = new TlsClient(await overTls(plain.socket), 0, undefined);
    t.is((await client.command('USER guest')).code, 331);
    t.is((await client.command('PASS guest')).code, 230);
    t.is((await client.command('PWD')).code, 257);
    t.is((await client.command('ected')).code, 500);
    t.deepEqual(await names(), []);
    t.false(plain.heard.includes('injected'));
    client.destroy();
  });
}

test('plain text that follows AUTH TLS in a segment of its own is a broken handshake, never a command', async (t) => {
  const { login, names, proxy, log } = await withProxy(t, { tls: await testTls() });
  const plain = await login();
  t.is((await plain.command('AUTH TLS')).code, 234);
  plain.send('MKD injected\r\nPWD\r\n');
  await plain.closed();
  await until(() => proxy.counts().sessions === 0);
  t.false(plain.heard.includes('257'));
  t.deepEqual(await names(), []);
  t.true(log.some(({ message, level }) => level === 'debug' && message === 'the TLS handshake failed'));
});

test('so much plain text behind AUTH TLS that it fills queue and buffers runs no command either', async (t) => {
  const { login, names, proxy } = await withProxy(t, { tls: await testTls() });
  const plain = await login();
  plain.send(`AUTH TLS\r\n${'MKD injected\r\n'.repeat(100_000)}`);
  await plain.closed();
  await until(() => proxy.counts().sessions === 0);
  t.deepEqual(await names(), []);
  t.notRegex(plain.heard, /257|530/);
});

test('a handshake that is garbage, silent or broken off ends that session only', async (t) => {
  const { port, connect, proxy, log } = await withProxy(t, {
    tls: await testTls(),
    limits: { handshakeMs: 700 },
  });
  const other = await TlsClient.loggedIn(port);
  for (const rest of [
    Buffer.alloc(5000, 7),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([22, 3, 1]),
    null,
  ]) {
    const client = await connect();
    t.is((await client.command('AUTH TLS')).code, 234);
    if (rest !== null) client.send(rest);
    await client.closed();
  }
  const gone = await connect();
  t.is((await gone.command('AUTH TLS')).code, 234);
  gone.socket.resetAndDestroy();
  await until(() => proxy.counts().sessions === 1);
  t.is(log.filter(({ message }) => message === 'the TLS handshake failed').length, 5);
  t.is((await other.command('NOOP')).code, 200);
  t.deepEqual(
    log.filter(({ level }) => level === 'error'),
    [],
  );
  other.destroy();
});

test('with requireTls nobody logs in and nothing is transferred in plain text', async (t) => {
  const { port, connect, put } = await withProxy(t, { tls: await testTls(), requireTls: true });
  await put('f', 'content');
  const plain = await connect();
  const refusal = await plain.command('USER guest');
  t.is(refusal.text, '530 Use AUTH TLS first.');
  t.is((await plain.command('PASS guest')).code, 503);
  t.is((await plain.command('PWD')).code, 530);
  const client = await TlsClient.connect(port);
  for (const [line, code] of [
    ['USER guest', 331],
    ['PASS guest', 230],
    ['PASV', 227],
    ['RETR f', 521],
    ['STOR g', 521],
    ['LIST', 521],
    ['PBSZ 0', 200],
    ['PROT C', 534],
    ['PROT P', 200],
  ] as const) {
    t.is((await client.command(line)).code, code, line);
  }
  t.is((await client.download('RETR f')).bytes.toString(), 'content');
  client.destroy();
});

for (const version of VERSIONS) {
  test(`the implicit port begins with ${version}, greets inside it and protects data at once`, async (t) => {
    const { proxy, port, stored } = await withProxy(t, {
      tls: await testTls(),
      tlsListen: { host: '127.0.0.1', port: 0 },
    });
    const implicit = proxy.tlsEndpoint?.port ?? 0;
    t.not(implicit, port);
    const client = await TlsClient.connect(implicit, { version, implicit: true });
    t.is(client.tls.getProtocol(), version);
    t.is((await client.command('AUTH TLS')).code, 503);
    t.is((await client.command('USER guest')).code, 331);
    t.is((await client.command('PASS guest')).code, 230);
    t.is((await client.upload('STOR f', 'inside')).reply.code, 226);
    t.is(await stored('f'), 'inside');
    t.is((await client.command('QUIT')).code, 221);
    await client.control.closed();
    await until(() => proxy.counts().sessions === 0);
  });
}

test('at the implicit port plain text hears nothing and is gone', async (t) => {
  const { proxy } = await withProxy(t, {
    tls: await testTls(),
    tlsListen: { host: '127.0.0.1', port: 0 },
  });
  const socket = connectTcp(proxy.tlsEndpoint?.port ?? 0, '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.write('USER guest\r\nPASS guest\r\nPWD\r\n');
  await once(socket, 'close');
  t.notRegex(heard, /220|331|230|257/);
  await until(() => proxy.counts().sessions === 0);
});

test('closing tells TLS sessions 421, in TLS', async (t) => {
  const { proxy, port } = await withProxy(t, { tls: await testTls() });
  const client = await TlsClient.loggedIn(port);
  const closed = proxy.close(100);
  t.is((await client.control.reply()).code, 421);
  await closed;
});
