/** --min-data-rate and --stall-timeout-seconds in both directions; what is slow here must never cost a client its transfer. */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { until, withProxy } from './with-proxy.ts';

const PACE = { minDataRate: 1_000_000, limits: { paceWindowMs: 300 } };
const LARGE = 32 * 1024 * 1024;

test('an upload that trickles is ended with 426, although it never stands still', async (t) => {
  const { login, stored } = await withProxy(t, PACE);
  const client = await login();
  const data = await client.dataConnection();
  t.is((await client.command('STOR f')).code, 150);
  const trickle = setInterval(() => data.write('x'), 10);
  t.teardown(() => clearInterval(trickle));
  const answer = await client.reply();
  t.is(answer.code, 426);
  t.regex(answer.text, /too slow/);
  t.is(await stored('f'), null);
  t.is((await client.command('NOOP')).code, 200);
});

test('a download that is read slowly but steadily comes to its end', async (t) => {
  const { login, put } = await withProxy(t, { ...PACE, minDataRate: 1_000_000_000 });
  await put('f', Buffer.alloc(LARGE));
  const client = await login();
  const data = await client.dataConnection();
  t.is((await client.command('RETR f')).code, 150);
  let bytes = 0;
  const step = setInterval(() => {
    const piece: unknown = data.read();
    if (Buffer.isBuffer(piece)) bytes += piece.length;
  }, 1);
  t.teardown(() => clearInterval(step));
  t.is((await client.reply()).code, 226);
  await until(() => bytes === LARGE);
});

test('without a least rate a trickle is taken to its end', async (t) => {
  const { login, stored } = await withProxy(t, { ...PACE, minDataRate: 0 });
  const client = await login();
  const data = await client.dataConnection();
  t.is((await client.command('STOR f')).code, 150);
  for (let byte = 0; byte < 40; byte += 1) {
    data.write('x');
    await sleep(10);
  }
  data.end();
  data.resume();
  t.is((await client.reply()).code, 226);
  t.is(await stored('f'), 'x'.repeat(40));
});

test('members that are slow do not cost a client its upload or its download', async (t) => {
  const { login, replicas, stored } = await withProxy(t, PACE);
  const startUpload = replicas.startUpload.bind(replicas);
  replicas.startUpload = async (path, options) => {
    const upload = await startUpload(path, options);
    const write = upload.write.bind(upload);
    upload.write = async (chunk) => {
      await sleep(1000);
      await write(chunk);
    };
    return upload;
  };
  replicas.read = async () =>
    Readable.from(
      (async function* () {
        for (const piece of ['slo', 'wly']) {
          yield Buffer.from(piece);
          await sleep(1000);
        }
      })(),
    );
  const client = await login();
  t.is((await client.upload('STOR f', 'slowly')).code, 226);
  t.is(await stored('f'), 'slowly');
  const { reply, bytes } = await client.download('RETR f');
  t.is(reply.code, 226);
  t.is(bytes.toString(), 'slowly');
});

test('the time that a data connection may stand still is what the settings say', async (t) => {
  const { login, stored } = await withProxy(t, { stallTimeoutSeconds: 1 });
  const client = await login();
  const data = await client.dataConnection();
  t.is((await client.command('STOR f')).code, 150);
  data.write('x');
  t.is((await client.reply()).code, 426);
  t.is(await stored('f'), null);
  await until(() => data.destroyed || data.readableEnded);
});
