import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { NoReplicaError } from '../../src/peers/replica-set-api.ts';
import { until, withProxy } from './with-proxy.ts';

test('the first account ends guest/guest, for good; a guest of its own counts like any other', async (t) => {
  const { addUser, connect, login, replicas } = await withProxy(t);
  const guest = await login();
  await addUser('anna', 'secret');
  t.regex((await guest.reply()).text, /^421 Your account was changed/);
  await t.throwsAsync(login(), { message: /530/ });
  t.is((await (await login('anna', 'secret')).command('PWD')).code, 257);
  await replicas.setAccount('anna', null);
  await t.throwsAsync(login(), { message: /530/ }, 'all accounts are gone: nobody logs in');
  await addUser('guest', null);
  await t.throwsAsync(login(), { message: /530/ }, 'disabled');
  await addUser('guest', 'guest', { rights: 'read-only' });
  const again = await login();
  t.is((await again.command('MKD x')).code, 550);
  const stranger = await connect();
  await stranger.command('USER anonymous');
  t.is((await stranger.command('PASS me@example.org')).code, 530);
});

test('switching guest off ends the sessions of guests', async (t) => {
  const { addUser, login } = await withProxy(t);
  const guest = await login();
  await addUser('guest', null);
  t.is((await guest.reply()).code, 421);
});

test('who says that there never was an account, after there were some, is not believed', async (t) => {
  const { addUser, login, replicas } = await withProxy(t);
  await addUser('anna', 'secret');
  const anna = await login('anna', 'secret');
  const accounts = replicas.accounts.bind(replicas);
  replicas.accounts = async () => ({ digest: '', complete: true, accounts: [] });
  await t.throwsAsync(login(), { message: /530/ });
  t.is((await anna.command('PWD')).code, 257);
  replicas.accounts = accounts;
});

test('a record of the name anonymous lets nobody in', async (t) => {
  const { addUser, login } = await withProxy(t);
  await addUser('anonymous', 'long enough');
  await t.throwsAsync(login('anonymous', 'long enough'), { message: /530/ });
});

test('while nobody can say who the users are nobody logs in; a table once known stays in force', async (t) => {
  const { addUser, connect, login, replicas } = await withProxy(t);
  await addUser('anna', 'secret');
  await login('anna', 'secret');
  replicas.faults.failure = new NoReplicaError('all away');
  const client = await connect();
  await client.command('USER anna');
  t.is((await client.command('PASS wrong')).code, 530, 'known: wrong is wrong');
  await client.command('USER guest');
  t.is((await client.command('PASS guest')).code, 530);
});

test('who cannot be checked is sent away, not let in as guest', async (t) => {
  const bench = await withProxy(t, {
    users: {
      check: async () => ({ kind: 'unknown' }),
      current: () => null,
      state: null,
      onChange: () => undefined,
      close: () => undefined,
    },
  });
  const client = await bench.connect();
  await client.command('USER guest');
  t.regex((await client.command('PASS guest')).text, /^421 Nobody can log in at the moment/);
});

test('a removed user, a new password and a new home end running sessions; new rights count at once', async (t) => {
  const { addUser, login, replicas, log } = await withProxy(t);
  await addUser('anna', 'secret');
  await addUser('bert', 'secret');
  await addUser('carl', 'secret');
  await addUser('dora', 'secret');
  const [anna, bert, carl, dora] = [
    await login('anna', 'secret'),
    await login('bert', 'secret'),
    await login('carl', 'secret'),
    await login('dora', 'secret'),
  ];
  const data = await anna.dataConnection();
  t.is((await anna.command('STOR half')).code, 150);
  data.write('half a film');
  await replicas.setAccount('anna', null);
  await addUser('bert', 'another');
  await addUser('carl', 'secret', { home: '/carl' });
  await addUser('dora', 'secret', { rights: 'read-only' });
  t.is((await anna.reply()).code, 426);
  t.is((await anna.reply()).code, 421);
  t.is(await replicas.lookup('/half'), null, 'nothing was stored');
  t.is((await bert.reply()).code, 421);
  t.is((await carl.reply()).code, 421);
  // The hash is salted: the same password set again is a new one, and ends the session too.
  t.is((await dora.reply()).code, 421);
  const again = await login('dora', 'secret');
  t.is((await again.command('MKD x')).code, 550);
  t.true(log.some(({ message }) => message === 'logged in'));
});

test('rights and quota of an account count from the next command on, without another login', async (t) => {
  const { addUser, login, replicas } = await withProxy(t);
  await addUser('anna', 'secret');
  const client = await login('anna', 'secret');
  let made = 0;
  const make = async () => (await client.command(`MKD folder${made++}`)).code;
  t.is(await make(), 257);
  const text = replicas.accountTexts.get('anna') ?? '';
  await replicas.setAccount('anna', text.replace('"full"', '"read-only"'));
  await until(async () => (await make()) === 550);
  await replicas.setAccount('anna', text);
  await until(async () => (await make()) === 257);
  t.pass();
});

test('who logs in as somebody else in the same session begins at the root, with nothing of the one before', async (t) => {
  const { addUser, login, put } = await withProxy(t);
  await addUser('one', 'secret', { home: '/one', rights: 'upload-only' });
  await addUser('two', 'secret', { home: '/two', rights: 'upload-only' });
  await login('two', 'secret');
  await put('two/image', 'not yours');
  const client = await login('one', 'secret');
  t.is((await client.upload('STOR image', 'mine')).code, 226);
  await client.command('MKD folder');
  await client.command('CWD folder');
  await client.command('USER two');
  t.is((await client.command('PWD')).code, 530);
  t.is((await client.command('PASS secret')).code, 230);
  t.regex((await client.command('PWD')).text, /"\/"/);
  await client.command('RNFR image');
  t.is((await client.command('RNTO gone')).code, 550, 'the other user stored one of that name');
});

test('an account that cannot be read lets nobody in', async (t) => {
  const { login, replicas, log } = await withProxy(t);
  await replicas.setAccount('anna', '{"format":1,"password":');
  await t.throwsAsync(login('anna', ''), { message: /530/ });
  await t.throwsAsync(login(), { message: /530/ }, 'and it counts as an account: guest/guest is off');
  t.true(log.some(({ message }) => message.startsWith('an account cannot be read')));
});

test('a home folder that is missing is made at login; a file in its place is told', async (t) => {
  const { addUser, login, replicas, put } = await withProxy(t);
  await addUser('anna', 'secret', { home: '/people/anna' });
  const client = await login('anna', 'secret');
  t.is((await client.command('PWD')).text.trim(), '257 "/" is the working directory.');
  t.is((await replicas.lookup('/people/anna'))?.kind, 'directory');
  await put('file', 'x');
  await addUser('bert', 'secret', { home: '/file/inside' });
  await t.throwsAsync(login('bert', 'secret'), { message: /421 Your home folder/ });
});

test('read-only: everything is read and listed, nothing changes', async (t) => {
  const { addUser, login, put, names, replicas } = await withProxy(t);
  await put('file', 'content');
  await mkdir(join(replicas.files, 'folder'));
  await addUser('reader', 'secret', { rights: 'read-only' });
  const client = await login('reader', 'secret');
  t.is((await client.download('RETR file')).bytes.toString(), 'content');
  t.regex((await client.download('MLSD')).bytes.toString(), /type=file;.*perm=r;/);
  for (const line of [
    'STOR new',
    'STOR file',
    'APPE file',
    'STOU',
    'DELE file',
    'RMD folder',
    'MKD new',
    'RNFR file',
    'MFMT 20200101000000 file',
    'MFF Modify=20200101000000; file',
    'SITE UTIME 20200101000000 file',
    'SITE CHMOD 600 file',
    'MDTM 20200101000000 file',
  ]) {
    t.is((await client.command(line)).code, 550, line);
  }
  t.deepEqual(await names(), ['file', 'folder']);
  t.is((await client.command('RNTO other')).code, 550);
});

test('upload-only: stores, makes folders, renames and dates what it stored itself; sees and deletes nothing', async (t) => {
  const { addUser, login, put, stored, replicas } = await withProxy(t);
  await put('secret.txt', 'secret');
  await addUser('camera', 'secret', { rights: 'upload-only' });
  const client = await login('camera', 'secret');
  for (const command of [
    'LIST',
    'NLST',
    'MLSD',
    'LIST -la',
    'NLST *',
    'LIST secret.txt',
    'NLST secret.txt',
  ]) {
    t.is((await client.download(command)).bytes.toString(), '', command);
  }
  for (const line of [
    'RETR secret.txt',
    'HASH secret.txt',
    'XSHA256 secret.txt',
    'MLST secret.txt',
    'DELE secret.txt',
    'MFMT 20200101000000 secret.txt',
    'RMD /',
    'NETS',
  ]) {
    t.is((await client.command(line)).code, 550, line);
  }
  t.false((await client.command('STAT /')).text.includes('secret'));
  t.is((await client.command('RNFR secret.txt')).code, 350);
  t.is((await client.command('RNTO mine.txt')).code, 550);
  t.is((await client.command('MKD 2026-11-23')).code, 257);
  t.is((await client.command('CWD 2026-11-23')).code, 250);
  t.is((await client.upload('STOR image.tmp', 'picture')).code, 226);
  t.is((await client.command('RNFR image.tmp')).code, 350);
  t.is((await client.command('RNTO image.jpg')).code, 250);
  t.is((await client.command('MFMT 20200101000000 image.jpg')).code, 213);
  t.is((await client.upload('STOR image.jpg', 'the next')).code, 226, 'the same name again');
  t.is((await client.upload('APPE image.jpg', ' one')).code, 226);
  t.is(await stored('2026-11-23/image.jpg'), 'the next one');
  t.is((await client.command('DELE image.jpg')).code, 550, 'not even its own');
  const another = await login('camera', 'secret');
  await another.command('RNFR 2026-11-23/image.jpg');
  t.is((await another.command('RNTO gone.jpg')).code, 550, 'what another session stored');
  t.not(await replicas.lookup('/secret.txt'), null);
});
