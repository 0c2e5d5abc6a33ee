import { readdir } from 'node:fs/promises';
import test from 'ava';
import { RawClient } from './raw-client.ts';
import { until, withProxy } from './with-proxy.ts';

const SCRIPT =
  'USER guest\r\nPASS guest\nMKD a "b"\r\0\r\nCWD a "b"\r\nPWD\r\0\nFROB\nNOOP\r\nRNFR /a "b"\r\nRNTO /c\r\nRMD /c\nQUIT\r\n';
const CODES = [331, 230, 257, 250, 257, 500, 200, 350, 250, 250, 221];

test('a dialogue is the same in one segment and cut at every byte', async (t) => {
  const { port, replicas } = await withProxy(t);
  for (let at = 1; at <= SCRIPT.length; at += 1) {
    const client = await RawClient.connect(port);
    client.send(SCRIPT.slice(0, at));
    // The second part must not travel in the same segment.
    await new Promise((resolve) => setImmediate(resolve));
    client.send(SCRIPT.slice(at));
    t.deepEqual(await client.replies(CODES.length), CODES, `cut at ${at}`);
    await client.closed();
  }
  t.deepEqual(await readdir(replicas.files), []);
});

/** No option that asks for an answer: NOP, WONT, a subnegotiation, Synchs as Node hands them on, a lone IAC IP. */
const TELNET = Buffer.concat([
  Buffer.from([255, 241]),
  Buffer.from('USER gu'),
  Buffer.from([255, 252, 24]),
  Buffer.from('est\r\0\nPASS guest\r'),
  Buffer.from([255, 250, 31, 0, 80, 255, 255, 24, 255, 240]),
  Buffer.from('\nMKD d\r\n'),
  Buffer.from([255, 244, 255, 242]),
  Buffer.from('ABOR\r\n'),
  Buffer.from([255, 244, 255]),
  Buffer.from('ABOR\nCWD d\n'),
  Buffer.from([255, 244]),
  Buffer.from('PWD\r\n\r\nRMD /d\nQUIT\n'),
]);
const TELNET_CODES = [331, 230, 257, 225, 225, 250, 257, 500, 250, 221];

test('a dialogue with telnet sequences is the same in one segment and cut at every byte', async (t) => {
  const { port, replicas } = await withProxy(t);
  for (let at = 1; at <= TELNET.length; at += 1) {
    const client = await RawClient.connect(port);
    client.send(TELNET.subarray(0, at));
    await new Promise((resolve) => setImmediate(resolve));
    client.send(TELNET.subarray(at));
    t.deepEqual(await client.replies(TELNET_CODES.length), TELNET_CODES, `cut at ${at}`);
    await client.closed();
  }
  t.deepEqual(await readdir(replicas.files), []);
});

test('a dialogue byte by byte', async (t) => {
  const { connect } = await withProxy(t);
  const client = await connect();
  for (const byte of Buffer.from(SCRIPT)) {
    client.send(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.deepEqual(await client.replies(CODES.length), CODES);
});

test('a client that says everything and hangs up with FIN still gets all answers', async (t) => {
  const { port } = await withProxy(t);
  const client = await RawClient.connect(port);
  client.socket.end('USER guest\nPASS guest\nPWD\nSYST\n');
  t.deepEqual(await client.replies(4), [331, 230, 257, 215]);
  await client.closed();
});

test('two hundred commands in one segment are answered in order', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  client.send(Array.from({ length: 200 }, (_, index) => `MKD d${index}\r\n`).join(''));
  for (let index = 0; index < 200; index += 1)
    t.regex((await client.reply()).text, new RegExp(`^257 "/d${index}"`));
});

test('telnet options are refused and the dialogue goes on', async (t) => {
  const { connect } = await withProxy(t);
  const client = await connect();
  client.send(Buffer.from([255, 253, 1, 255, 251, 3]));
  await until(() => client.heard.length >= 6 + '220 Cloudroid on odroid-a.\r\n'.length);
  t.true(client.heard.endsWith('\xff\xfc\x01\xff\xfe\x03'));
});

test('a line of a megabyte is 500 once, and the session lives', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  client.send(`STOR ${'x'.repeat(1024 * 1024)}\r\nNOOP\r\n`);
  t.deepEqual(await client.replies(2), [500, 200]);
});

test('a client that never reads its answers is not answered without end', async (t) => {
  const { login, proxy } = await withProxy(t);
  const client = await login();
  client.socket.pause();
  let refused = false;
  for (let round = 0; round < 2000 && !refused; round += 1) {
    refused = !client.socket.write('HELP\r\n'.repeat(1000));
    if (refused) {
      // The server has stopped reading when nothing drains any more.
      refused = await Promise.race([
        new Promise<boolean>((resolve) => client.socket.once('drain', () => resolve(false))),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 300)),
      ]);
    }
  }
  t.true(refused);
  t.is(proxy.counts().sessions, 1);
});

test('behind an HTTP request no command is heard', async (t) => {
  const { connect, names } = await withProxy(t);
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\n\r\nUSER guest\r\nPASS guest\r\nMKD d\r\n');
  t.is((await client.reply()).code, 500);
  await client.closed();
  t.is(client.heard.split('\r\n').length, 3, 'greeting and 500');
  t.deepEqual(await names(), []);
});
