import test from 'ava';
import type { RawClient } from './raw-client.ts';
import { withProxy } from './with-proxy.ts';

const LATIN_1 = { nameEncoding: 'latin-1' } as const;
const latin1 = (text: string) => Buffer.from(text, 'latin1');

async function say(client: RawClient, text: string) {
  client.send(Buffer.concat([latin1(text), Buffer.from('\r\n')]));
  return await client.reply();
}

test('without the option a name in Latin-1 is 501, and nothing is stored', async (t) => {
  const { login, names } = await withProxy(t);
  const client = await login();
  t.is((await say(client, 'MKD \xfcber')).code, 501);
  t.is((await client.command('OPTS UTF8 OFF')).code, 504);
  t.deepEqual(await names(), []);
});

test('with the option it is stored in UTF-8, and told and listed to its sender in Latin-1', async (t) => {
  const { login, names } = await withProxy(t, LATIN_1);
  const client = await login();
  t.true((await say(client, 'MKD \xfcber')).text.startsWith('257 "/\xfcber"'));
  t.deepEqual(await names(), ['über']);
  t.is((await say(client, 'CWD \xfcber')).code, 250);
  t.true((await client.command('PWD')).text.includes('"/\xfcber"'));
  const data = await client.dataConnection();
  data.end('x');
  t.is((await say(client, 'STOR 5\x80')).code, 150);
  t.is((await client.reply()).code, 226);
  t.deepEqual((await client.download('NLST')).bytes, latin1('5\x80\r\n'));
  t.deepEqual((await client.download('NLST /')).bytes, latin1('\xfcber\r\n'));
  t.is((await say(client, 'SIZE 5\x80')).code, 213);
  const other = await login();
  t.is((await other.command('OPTS UTF8 ON')).code, 200);
  t.is((await other.download('NLST')).bytes.toString(), 'über\r\n');
  t.is((await other.download('NLST über')).bytes.toString(), '5€\r\n');
  t.is((await other.command('OPTS UTF8 OFF')).code, 200);
  t.deepEqual((await other.download('NLST')).bytes, latin1('\xfcber\r\n'));
});

test('who sends a name in UTF-8 is answered in UTF-8 from then on, until REIN', async (t) => {
  const { login, put } = await withProxy(t, LATIN_1);
  await put('ä', 'x');
  const client = await login();
  t.deepEqual((await client.download('NLST')).bytes, latin1('\xe4\r\n'));
  t.is((await client.command('SIZE ä')).code, 213);
  t.is((await client.download('NLST')).bytes.toString(), 'ä\r\n');
  t.is((await client.command('REIN')).code, 220);
  await client.command('USER guest');
  await client.command('PASS guest');
  t.deepEqual((await client.download('NLST')).bytes, latin1('\xe4\r\n'));
});

test('a name that Latin-1 cannot say, or whose bytes would mean another one, is listed in UTF-8 and found again', async (t) => {
  const { login, put } = await withProxy(t, LATIN_1);
  const odd = ['\u{1f4be}', 'e\u0301', '\u00c3\u00a4', 'plain'];
  for (const name of odd) await put(name, name);
  const client = await login();
  const { bytes } = await client.download('NLST');
  t.deepEqual(bytes.toString().split('\r\n').slice(0, -1).sort(), [...odd].sort());
  for (const name of odd) {
    const fresh = await login();
    t.is((await fresh.download(`RETR ${name}`)).bytes.toString(), name);
  }
});

test('control characters are refused after decoding: the empty places of Windows-1252 are C1', async (t) => {
  const { login, names } = await withProxy(t, LATIN_1);
  const client = await login();
  for (const bad of ['a\x81', '\x8d\xe4', '\x9d', '\xe4\x01', '\xe4\x7f']) {
    t.is((await say(client, `MKD ${bad}`)).code, 501, JSON.stringify(bad));
  }
  t.is((await say(client, 'MKD \xfc/../.cloudroid')).code, 553);
  t.deepEqual(await names(), []);
});
