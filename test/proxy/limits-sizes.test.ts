/** Limits on lines, paths, queues, listings and uploads. */
import test from 'ava';
import { until, withProxy } from './with-proxy.ts';

test('a line of the limit is a command, a longer one is 500, and the next one is heard', async (t) => {
  const { login } = await withProxy(t, { maxLineBytes: 600 });
  const client = await login();
  t.is((await client.command(`NOOP ${'x'.repeat(594)}`)).code, 200);
  const answer = await client.command(`NOOP ${'x'.repeat(595)}`);
  t.is(answer.code, 500);
  t.regex(answer.text, /600/);
  t.is((await client.command('NOOP')).code, 200);
  const { login: other } = await withProxy(t, { maxLineBytes: 65_536 });
  t.is((await (await other()).command(`NOOP ${'x'.repeat(65_000)}`)).code, 200);
});

test('a path of the limit is taken, a longer one is 553, however it was put together', async (t) => {
  const { login, names } = await withProxy(t, { maxPathBytes: 64 });
  const client = await login();
  const folder = `/${'d'.repeat(31)}`;
  t.is((await client.command(`MKD ${folder}`)).code, 257);
  t.is((await client.command(`CWD ${folder}`)).code, 250);
  t.is((await client.upload(`STOR ${'f'.repeat(31)}`, 'x')).code, 226);
  for (const line of [
    `STOR ${'f'.repeat(32)}`,
    `RETR ${'f'.repeat(32)}`,
    `MKD ${folder}/${'f'.repeat(32)}`,
  ]) {
    const answer = await client.command(line);
    t.is(answer.code, 553, line);
    t.regex(answer.text, /64 bytes/);
  }
  t.deepEqual(await names(), ['d'.repeat(31)]);
});

for (const [maxQueuedCommands, codes] of [
  [2, [226, 257, 257, 257, 225]],
  [4, [426, 226, 257, 257, 257]],
] as const) {
  test(`behind a transfer ${maxQueuedCommands} commands are read, and all are answered`, async (t) => {
    const { login, stored } = await withProxy(t, { maxQueuedCommands });
    const client = await login();
    const data = await client.dataConnection();
    t.is((await client.command('STOR f')).code, 150);
    client.send(`${'PWD\r\n'.repeat(3)}ABOR\r\n`);
    // An ABOR that is read goes ahead of the others and of the end of the file.
    const first = maxQueuedCommands === 4 ? (await client.reply()).code : 0;
    data.end('whole');
    data.resume();
    t.deepEqual(first === 0 ? await client.replies(5) : [first, ...(await client.replies(4))], [...codes]);
    t.is(await stored('f'), maxQueuedCommands === 2 ? 'whole' : null);
  });
}

test('a listing of the limit is whole, a longer one is refused by a broken connection and 451, never cut', async (t) => {
  const { login, put } = await withProxy(t, { maxListingEntries: 100 });
  for (let index = 0; index < 100; index += 1) await put(`f${index}`, '');
  const client = await login();
  for (const line of ['LIST', 'NLST', 'MLSD', 'NLST f*']) {
    const { reply, bytes } = await client.download(line);
    t.is(reply.code, 226, line);
    t.is(bytes.toString().trimEnd().split('\r\n').length, 100, line);
  }
  await put('one more', '');
  for (const line of ['LIST', 'NLST', 'MLSD', 'LIST -la', 'NLST *']) {
    const data = await client.dataConnection();
    let failure: unknown = null;
    data.on('error', (error) => {
      failure = error;
    });
    data.resume();
    client.send(`${line}\r\n`);
    t.deepEqual(await client.replies(2), [150, 451], line);
    await until(() => data.destroyed);
    t.not(failure, null, `${line}: a FIN would say that this was all`);
  }
  t.is((await client.download('NLST f*')).reply.code, 226, 'what fits the pattern counts');
});

test('an upload of the limit is stored, a longer one is 552 and leaves the old file', async (t) => {
  const { login, stored, names } = await withProxy(t, { maxUploadBytes: 10 });
  const client = await login();
  t.is((await client.upload('STOR f', '0123456789')).code, 226);
  const answer = await client.upload('STOR f', 'x'.repeat(11));
  t.is(answer.code, 552);
  t.regex(answer.text, /10 bytes/);
  t.is(await stored('f'), '0123456789');
  t.is((await client.upload('STOR other', 'x'.repeat(100_000))).code, 552);
  t.is((await client.upload('STOU', 'x'.repeat(100_000))).code, 552);
  t.deepEqual(await names(), ['f']);
  t.is((await client.command('SIZE other')).code, 550, 'no part of it is kept');
});

test('what was announced as too large is refused before a byte is sent', async (t) => {
  const { login, names } = await withProxy(t, { maxUploadBytes: 10 });
  const client = await login();
  t.is((await client.command('ALLO 11')).code, 200);
  const data = await client.dataConnection();
  t.is((await client.command('STOR f')).code, 552, 'no 150');
  data.destroy();
  await client.command('ALLO 10');
  t.is((await client.upload('STOR f', '0123456789')).code, 226);
  t.deepEqual(await names(), ['f']);
});

test('what was there before counts: APPE, REST and a part that was kept', async (t) => {
  const { login, stored, put } = await withProxy(t, { maxUploadBytes: 10 });
  const client = await login();
  await put('f', '12345678');
  t.is((await client.upload('APPE f', 'ab')).code, 226);
  t.is((await client.upload('APPE f', 'c')).code, 552);
  await client.command('REST 8');
  t.is((await client.upload('STOR f', 'xyz')).code, 552);
  t.is(await stored('f'), '12345678ab');

  const data = await client.dataConnection();
  data.write('12345678');
  client.send('STOR part\r\n');
  await client.reply();
  await until(async () => /: 8 bytes so far/.test((await client.command('STAT')).text));
  data.resetAndDestroy();
  t.is((await client.reply()).code, 426);
  t.is((await client.command('SIZE part')).text.trim(), '213 7', 'the last byte is not trusted');
  await client.command('REST 7');
  t.is((await client.upload('STOR part', 'wxyz')).code, 552);
  t.is((await client.command('SIZE part')).code, 550, 'it can never be finished');
  t.is(await stored('part'), null);
});

test('without a limit a large file is stored', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  t.is((await client.upload('STOR f', Buffer.alloc(3_000_000))).code, 226);
  t.is((await client.command('SIZE f')).text.trim(), '213 3000000');
});
