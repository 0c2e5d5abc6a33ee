/** Going on with an upload that broke off, as clients say it: what counts as there, and what does not. */
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { type RawClient, readAll } from './raw-client.ts';
import { type Bench, until, withProxy } from './with-proxy.ts';

type How = 'data reset' | 'control lost' | 'control ended' | 'aborted' | 'announced more' | 'stalled';

/** Sends so much, and one byte that is never kept; resolves when the gateway has put it away. */
async function cutOff(bench: Bench, line: string, bytes: string, how: How = 'data reset'): Promise<void> {
  const client = await bench.login();
  if (how === 'announced more') await client.command('ALLO 1000');
  const [command = '', ...first] = line.split('|').reverse();
  for (const each of first) await client.command(each);
  const data = await client.dataConnection();
  const before = bench.proxy.counts().sessions;
  const begun = await client.command(command);
  if (begun.code !== 150) throw new Error(begun.text);
  data.write(`${bytes}#`);
  await until(async () => (await client.command('STAT')).text.includes(`${bytes.length + 1} bytes so far`));
  if (how === 'data reset') data.resetAndDestroy();
  if (how === 'control lost') client.socket.resetAndDestroy();
  if (how === 'control ended') client.socket.end();
  if (how === 'aborted') client.send('ABOR\r\n');
  if (how === 'announced more' || how === 'control ended') data.end();
  if (how === 'control lost' || how === 'control ended') {
    await until(() => bench.proxy.counts().sessions < before);
    return;
  }
  const { code } = await client.reply();
  if (code !== (how === 'announced more' ? 451 : 426)) throw new Error(`cut off with ${code}`);
  client.destroy();
}

async function sizeOf(client: RawClient, path: string): Promise<string> {
  return (await client.command(`SIZE ${path}`)).text;
}

for (const how of [
  'data reset',
  'control lost',
  'control ended',
  'aborted',
  'announced more',
  'stalled',
] as const) {
  test(`an upload that broke off (${how}) is kept: SIZE tells how much, APPE goes on from it`, async (t) => {
    const bench = await withProxy(t, how === 'stalled' ? { limits: { stallMs: 200 } } : {});
    await cutOff(bench, 'STOR film', 'half', how);
    const client = await bench.login();
    t.is(await sizeOf(client, 'film'), '213 4');
    t.is((await client.upload('APPE film', ' and half')).code, 226);
    t.is(await bench.stored('film'), 'half and half');
    t.is(await sizeOf(client, 'film'), '213 13');
    t.deepEqual(await bench.replicas.parts.names(), [], 'of no use any more');
  });
}

test('what was kept is no file: only SIZE, REST, APPE and DELE know of it', async (t) => {
  const bench = await withProxy(t);
  await cutOff(bench, 'STOR film', 'half');
  const client = await bench.login();
  for (const command of [
    'MDTM film',
    'MLST film',
    'HASH film',
    'XSHA256 film',
    'RNFR film',
    'SITE CHMOD 644 film',
  ]) {
    t.is((await client.command(command)).code, 550, command);
  }
  t.is((await client.download('RETR film')).reply.code, 550);
  for (const command of ['LIST', 'NLST', 'MLSD']) {
    t.notRegex((await client.download(command)).bytes.toString(), /film/, command);
  }
  t.is((await client.command('DELE film')).code, 250);
  t.is((await client.command('SIZE film')).code, 550);
  t.is((await client.command('DELE film')).code, 550);
});

test('REST n and STOR keep the first n bytes of what is there, and refuse more than that', async (t) => {
  const bench = await withProxy(t);
  await cutOff(bench, 'STOR film', 'half of it');
  const client = await bench.login();
  await client.command('REST 11');
  const refused = await client.upload('STOR film', 'x');
  t.is(refused.code, 554);
  t.regex(refused.text, /there are 10 bytes/);
  await client.command('REST 4');
  t.is((await client.upload('STOR film', ' and half')).code, 226);
  t.is(await bench.stored('film'), 'half and half');
});

test('an upload may break off again and again', async (t) => {
  const bench = await withProxy(t);
  await cutOff(bench, 'STOR film', 'one ');
  await cutOff(bench, 'REST 4|STOR film', 'two ', 'control lost');
  await cutOff(bench, 'APPE film', 'three ');
  const client = await bench.login();
  t.is(await sizeOf(client, 'film'), '213 14');
  // Nothing came: it stays as it was.
  const data = await client.dataConnection();
  t.is((await client.command('APPE film')).code, 150);
  data.resetAndDestroy();
  t.is((await client.reply()).code, 426);
  t.is(await sizeOf(client, 'film'), '213 14');
  await client.command('REST 14');
  t.is((await client.upload('STOR film', 'end')).code, 226);
  t.is(await bench.stored('film'), 'one two three end');
});

test('STOR from the beginning forgets what was kept, also when it breaks off at once', async (t) => {
  const bench = await withProxy(t);
  await cutOff(bench, 'STOR film', 'a film of yesterday');
  const client = await bench.login();
  const data = await client.dataConnection();
  t.is((await client.command('STOR film')).code, 150);
  data.resetAndDestroy();
  t.is((await client.reply()).code, 426);
  t.is((await client.command('SIZE film')).code, 550);
});

test('a finished file wins: SIZE is its own, and APPE adds to it', async (t) => {
  const bench = await withProxy(t);
  await cutOff(bench, 'STOR film', 'half');
  await bench.put('film', 'whole, from elsewhere');
  const client = await bench.login();
  t.is(await sizeOf(client, 'film'), '213 21');
  t.is((await client.upload('APPE film', '!')).code, 226);
  t.is(await bench.stored('film'), 'whole, from elsewhere!');
});

test('what was kept before another file came to the path is glued to nothing, not even when that one is gone', async (t) => {
  const bench = await withProxy(t);
  await bench.put('film', 'old film');
  await cutOff(bench, 'STOR film', 'new ');
  await bench.put('film', 'other film');
  const client = await bench.login();
  await client.command('REST 6');
  t.is((await client.upload('STOR film', 'story')).code, 226);
  t.is(await bench.stored('film'), 'other story');
  await cutOff(bench, 'STOR film', 'new ');
  await rm(join(bench.replicas.files, 'film'));
  t.is((await client.command('SIZE film')).code, 550);
});

test('an upload over an older file goes on from its own bytes, never from those of the older one', async (t) => {
  const bench = await withProxy(t);
  await bench.put('film', 'the old film, which is longer');
  await cutOff(bench, 'STOR film', 'the new ');
  const client = await bench.login();
  t.is(await bench.stored('film'), 'the old film, which is longer');
  t.is(await sizeOf(client, 'film'), '213 29');
  await client.command('REST 29');
  t.is((await client.upload('STOR film', 'rest of it')).code, 554);
  await client.command('REST 8');
  t.is((await client.upload('STOR film', 'film')).code, 226);
  t.is(await bench.stored('film'), 'the new film');
});

test('lines added to a file that break off are not kept: sent again they are there once', async (t) => {
  const bench = await withProxy(t);
  await bench.put('log', 'line 1\n');
  await cutOff(bench, 'APPE log', 'line');
  await cutOff(bench, 'APPE fresh', 'li');
  const client = await bench.login();
  t.is((await client.upload('APPE log', 'line 2\n')).code, 226);
  t.is(await bench.stored('log'), 'line 1\nline 2\n');
  t.is((await client.command('SIZE fresh')).code, 550);
  t.is((await client.upload('APPE fresh', 'line 1\n')).code, 226);
  t.is(await bench.stored('fresh'), 'line 1\n');
});

test('of a STOU nothing is kept, nor of anything where nothing is to be kept', async (t) => {
  const bench = await withProxy(t);
  await cutOff(bench, 'STOU film', 'half');
  t.deepEqual(await bench.replicas.parts.names(), []);
  const forgetful = await withProxy(t, { keepPartsHours: 0 });
  await cutOff(forgetful, 'STOR film', 'half');
  t.deepEqual(await forgetful.replicas.parts.names(), []);
  t.is((await (await forgetful.login()).command('SIZE film')).code, 550);
});

test('an upload that failed here, or brought more than announced, is not kept', async (t) => {
  const bench = await withProxy(t);
  const client = await bench.login();
  await client.command('ALLO 4');
  t.is((await client.upload('STOR film', 'too much')).code, 451);
  t.deepEqual(await bench.replicas.parts.names(), []);
  t.is((await client.command('SIZE film')).code, 550);
});

test('another user does not see it', async (t) => {
  const bench = await withProxy(t);
  await bench.addUser('guest', 'guest');
  await bench.addUser('anna', 'x');
  await cutOff(bench, 'STOR film', 'half');
  const other = await bench.connect();
  await other.command('USER anna');
  t.is((await other.command('PASS x')).code, 230);
  t.is((await other.command('SIZE film')).code, 550);
  t.is((await other.upload('APPE film', 'mine')).code, 226);
  t.is(await bench.stored('film'), 'mine');
});

test('of two uploads to one path at once the one that began last is kept; one that is finished ends it all', async (t) => {
  const bench = await withProxy(t);
  const [one, two] = [await bench.login(), await bench.login()];
  const [first, second] = [await one.dataConnection(), await two.dataConnection()];
  t.is((await one.command('STOR film')).code, 150);
  t.is((await two.command('STOR film')).code, 150);
  first.write('first');
  second.write('the second#');
  await until(async () => (await two.command('STAT')).text.includes('11 bytes so far'));
  second.resetAndDestroy();
  t.is((await two.reply()).code, 426);
  t.is(await sizeOf(two, 'film'), '213 10');
  first.end(' whole');
  t.is((await one.reply()).code, 226);
  t.is(await bench.stored('film'), 'first whole');
  t.deepEqual(await bench.replicas.parts.names(), []);
});

test('an upload that came whole and broke off before it was stored never looks complete', async (t) => {
  const bench = await withProxy(t);
  const client = await bench.login();
  const data = await client.dataConnection();
  t.is((await client.command('STOR film')).code, 150);
  client.socket.end();
  data.end('the whole film');
  await until(() => bench.proxy.counts().sessions === 0);
  const again = await bench.login();
  t.is(await sizeOf(again, 'film'), '213 13');
  t.is((await again.upload('APPE film', 'm')).code, 226);
  t.is(await bench.stored('film'), 'the whole film');
});

test('an upload whose line went dead ends when its client is back and asks how much has come', async (t) => {
  for (const ask of ['SIZE film', 'REST 4|STOR film', 'APPE film']) {
    const bench = await withProxy(t, { limits: { silentMs: 300 } });
    const lost = await bench.login();
    const dead = await lost.dataConnection();
    t.is((await lost.command('STOR film')).code, 150);
    dead.write('half#');
    const client = await bench.login();
    if (ask === 'SIZE film') {
      await until(async () => (await sizeOf(client, 'film')) === '213 4');
    } else {
      const lines = ask.split('|');
      const last = lines.pop() ?? '';
      // Before it counts as silent there is nothing to go on from.
      await until(async () => (await lost.command('STAT')).text.includes('5 bytes so far'));
      await new Promise((resolve) => setTimeout(resolve, 400));
      for (const line of lines) await client.command(line);
      t.is((await client.upload(last, ' and half')).code, 226);
      t.is(await bench.stored('film'), 'half and half');
    }
    t.is((await lost.reply()).code, 426);
  }
});

test('an upload that hung since before another one began does not take its place', async (t) => {
  const bench = await withProxy(t);
  const lost = await bench.login();
  const dead = await lost.dataConnection();
  t.is((await lost.command('STOR film')).code, 150);
  dead.write('old#');
  await until(() => bench.replicas.openUploads === 1);
  await cutOff(bench, 'STOR film', 'newer and longer');
  dead.resetAndDestroy();
  t.is((await lost.reply()).code, 426);
  t.is(await sizeOf(await bench.login(), 'film'), '213 16');
});

test('asking for the size disturbs no upload that moves, nor one from elsewhere', async (t) => {
  const bench = await withProxy(t, { limits: { silentMs: 100 } });
  const camera = await bench.connect({ localAddress: '127.0.0.77' });
  await camera.command('USER guest');
  await camera.command('PASS guest');
  const data = connect({
    ...{ host: '127.0.0.1', port: await camera.passivePort() },
    ...{ localAddress: '127.0.0.77', allowHalfOpen: true },
  });
  t.is((await camera.command('STOR film')).code, 150);
  data.write('half');
  await until(async () => (await camera.command('STAT')).text.includes('4 bytes so far'));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const client = await bench.login();
  t.is((await client.command('SIZE film')).code, 550);
  data.end(' and half');
  t.is((await camera.reply()).code, 226);
  t.is(await bench.stored('film'), 'half and half');
});

test('asking for the size disturbs no upload that waits for a slow disk', async (t) => {
  const bench = await withProxy(t, { limits: { silentMs: 50 } });
  bench.replicas.faults.writeDelayMs = 500;
  const camera = await bench.login();
  const data = await camera.dataConnection();
  t.is((await camera.command('STOR film')).code, 150);
  data.end('whole');
  const client = await bench.login();
  await until(() => bench.replicas.openUploads === 1);
  while (bench.replicas.openUploads === 1) await client.command('SIZE film');
  t.is((await camera.reply()).code, 226);
  t.is(await bench.stored('film'), 'whole');
});

for (const how of ['data reset', 'control lost', 'aborted'] as const) {
  test(`FileZilla is shown in MLSD what was kept of its own uploads (${how}), and nobody else is`, async (t) => {
    const bench = await withProxy(t);
    await bench.put('other', 'x');
    await cutOff(bench, 'STOR film', 'half', how);
    const filezilla = await bench.login();
    t.is((await filezilla.command('CLNT FileZilla')).code, 200);
    t.regex((await filezilla.download('MLSD')).bytes.toString(), /type=file;size=4;.* film\r\n/);
    t.notRegex(
      (await filezilla.download('NLST')).bytes.toString(),
      /film/,
      'a listing of names has no sizes',
    );
    const other = await bench.login();
    t.is((await other.command('CLNT lftp')).code, 200);
    t.notRegex((await other.download('MLSD')).bytes.toString(), /film/);
    t.is((await filezilla.command('REST 4')).code, 350);
    t.is((await filezilla.upload('STOR film', ' and half')).code, 226);
    t.is(await bench.stored('film'), 'half and half');
    t.is((await filezilla.download('MLSD')).bytes.toString().match(/ film\r\n/g)?.length, 1);
  });
}

test('of an upload that is just breaking off FileZilla, and whoever asks, learns when it is put away, not before', async (t) => {
  const bench = await withProxy(t);
  const client = await bench.login();
  const data = await client.dataConnection();
  t.is((await client.command('STOR film')).code, 150);
  data.write('half#');
  await until(async () => (await client.command('STAT')).text.includes('5 bytes so far'));
  const next = await bench.login();
  await next.command('CLNT FileZilla 3.63.0');
  const listing = await next.dataConnection();
  const { parts } = bench.replicas;
  const keep = parts.keep.bind(parts);
  let keeping = 0;
  parts.keep = async (as, bytes) => {
    keeping += 1;
    await new Promise((resolve) => setTimeout(resolve, 300));
    await keep(as, bytes);
  };
  client.socket.resetAndDestroy();
  await until(() => keeping === 1);
  const bytes = readAll(listing);
  next.send('MLSD\r\n');
  t.deepEqual(await next.replies(2), [150, 226]);
  t.regex((await bytes).toString(), /size=4;.* film\r\n/);
});

test('FileZilla is shown neither what is of no use any more nor what others have sent, nor is who may only upload', async (t) => {
  const bench = await withProxy(t);
  await bench.addUser('guest', 'guest');
  await bench.addUser('anna', 'x');
  await bench.addUser('camera', 'x', { rights: 'upload-only' });
  await cutOff(bench, 'STOR film', 'half');
  await cutOff(bench, 'STOR gone', 'half');
  await cutOff(bench, 'STOR there', 'half');
  const client = await bench.login();
  await client.command('DELE gone');
  await bench.put('there', 'whole, from elsewhere');
  for (const [user, password, expected] of [
    ['guest', 'guest', ['film', 'there']],
    ['anna', 'x', ['there']],
    ['camera', 'x', []],
  ] as const) {
    const filezilla = await bench.login(user, password);
    await filezilla.command('CLNT FileZilla');
    const lines = (await filezilla.download('MLSD')).bytes.toString().split('\r\n').slice(0, -1);
    t.deepEqual(lines.map((line) => line.slice(line.indexOf(' ') + 1)).sort(), [...expected], user);
  }
});
