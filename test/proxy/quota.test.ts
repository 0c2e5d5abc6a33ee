import test from 'ava';
import { QuotaLedger } from '../../src/proxy/view/quota-ledger.ts';
import { withProxy } from './with-proxy.ts';

test('what exceeds the quota is refused with 552, before or while it comes, and the old file stays', async (t) => {
  const { addUser, login, stored, replicas } = await withProxy(t);
  await addUser('anna', 'secret', { home: '/anna', quotaBytes: 1000 });
  const client = await login('anna', 'secret');
  t.is((await client.upload('STOR one', 'x'.repeat(600))).code, 226);
  t.is((await client.upload('STOR two', 'y'.repeat(500))).code, 552);
  t.is(await stored('anna/two'), null);
  await client.command('ALLO 401');
  t.is((await client.upload('STOR two', '')).code, 552, 'announced');
  t.is((await client.upload('STOR one', 'z'.repeat(1000))).code, 226, 'in place of what was there');
  t.is((await client.upload('APPE one', '!')).code, 552);
  t.is((await client.upload('STOR one', 'z'.repeat(1001))).code, 552);
  t.is(await stored('anna/one'), 'z'.repeat(1000));
  t.is((await client.command('AVBL')).text.trim(), '213 0');
  t.is((await client.command('DELE one')).code, 250);
  t.is((await client.command('AVBL')).text.trim(), '213 1000');
  t.is((await client.upload('STOR three', 'x'.repeat(1000))).code, 226);
  t.is(replicas.openUploads, 0);
});

test('uploads at once share the quota, and what is given up gives its room back', async (t) => {
  const { addUser, login } = await withProxy(t);
  await addUser('anna', 'secret', { home: '/anna', quotaBytes: 1000 });
  const [one, two] = [await login('anna', 'secret'), await login('anna', 'secret')];
  const data = await one.dataConnection();
  await one.command('ALLO 700');
  t.is((await one.command('STOR one')).code, 150);
  data.write('x'.repeat(100));
  t.is((await two.upload('STOR two', 'y'.repeat(301))).code, 552, 'the room is promised to the other');
  t.is((await two.upload('STOR two', 'y'.repeat(300))).code, 226);
  data.resetAndDestroy();
  t.is((await one.reply()).code, 426);
  t.is((await two.upload('STOR three', 'y'.repeat(700))).code, 226);
});

test('what is kept of uploads that broke off is held to the quota too', async (t) => {
  const { addUser, login, replicas } = await withProxy(t);
  await addUser('anna', 'secret', { home: '/anna', quotaBytes: 1000 });
  await addUser('bert', 'secret');
  for (const name of ['anna', 'bert']) {
    const client = await login(name, 'secret');
    const data = await client.dataConnection();
    t.is((await client.command('STOR film')).code, 150);
    data.write('x'.repeat(100));
    while (replicas.openUploads === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 100));
    data.resetAndDestroy();
    t.is((await client.reply()).code, 426);
  }
  t.deepEqual(
    replicas.keptAs.map(({ mostBytes }) => mostBytes),
    [1000, undefined],
  );
});

test('an account without a quota, or another home folder, is not counted', async (t) => {
  const { addUser, login, put } = await withProxy(t);
  await addUser('anna', 'secret', { home: '/anna', quotaBytes: 10 });
  await addUser('bert', 'secret');
  await put('big', 'x'.repeat(5000));
  const [anna, bert] = [await login('anna', 'secret'), await login('bert', 'secret')];
  t.is((await bert.upload('STOR bigger', 'x'.repeat(9000))).code, 226);
  t.is((await anna.upload('STOR small', 'x'.repeat(10))).code, 226);
});

test('a count during which something was stored is made again; one that fails leaves the last one', async (t) => {
  let now = 0;
  let bytes = 100;
  let fails = false;
  let during: (() => void) | null = null;
  const ledger = new QuotaLedger(
    {
      usage: async () => {
        if (fails) throw new Error('away');
        const answer = { bytes, files: 1 };
        during?.();
        return answer;
      },
    },
    () => now,
  );
  t.is(await ledger.used('/a'), 100);
  bytes = 500;
  t.is(await ledger.used('/a'), 100, 'counted a moment ago');
  now = 60_000;
  during = () => ledger.add('/a', 7);
  t.is(await ledger.used('/a'), 500);
  during = null;
  bytes = 507;
  t.is(await ledger.used('/a'), 507, 'again at once');
  fails = true;
  now = 120_000;
  t.is(await ledger.used('/a'), 507);
  await t.throwsAsync(ledger.used('/b'));
  t.true(ledger.hold('/a', 3, 510));
  t.false(ledger.hold('/a', 1, 510));
  ledger.release('/a', 3);
  t.true(ledger.hold('/a', 1, 510));
});

test('a file that is renamed away while its place is taken anew counts, and so does the new one', async (t) => {
  const { addUser, login, stored, replicas } = await withProxy(t);
  await addUser('anna', 'secret', { home: '/anna', quotaBytes: 1000 });
  const [one, two] = [await login('anna', 'secret'), await login('anna', 'secret')];
  t.is((await one.upload('STOR a', 'x'.repeat(900))).code, 226);
  const data = await one.dataConnection();
  t.is((await one.command('STOR a')).code, 150);
  data.write('y'.repeat(450));
  t.is((await two.command('RNFR a')).code, 350);
  t.is((await two.command('RNTO b')).code, 250);
  data.end('y'.repeat(450));
  t.is((await one.reply()).code, 552);
  t.is(await stored('anna/a'), null);
  t.is(await stored('anna/b'), 'x'.repeat(900));
  t.is((await two.command('AVBL')).text.trim(), '213 100');
  t.is((await one.upload('STOR a', 'y'.repeat(100))).code, 226, 'what was held was given back');
  t.is(replicas.openUploads, 0);
});

test('a file that is deleted while its place is taken anew counts no more', async (t) => {
  const { addUser, login, stored } = await withProxy(t);
  await addUser('anna', 'secret', { home: '/anna', quotaBytes: 1000 });
  const [one, two] = [await login('anna', 'secret'), await login('anna', 'secret')];
  t.is((await one.upload('STOR a', 'x'.repeat(900))).code, 226);
  const data = await one.dataConnection();
  t.is((await one.command('STOR a')).code, 150);
  data.write('y'.repeat(450));
  t.is((await two.command('DELE a')).code, 250);
  data.end('y'.repeat(450));
  t.is((await one.reply()).code, 226);
  t.is(await stored('anna/a'), 'y'.repeat(900));
  t.is((await two.command('AVBL')).text.trim(), '213 100');
});
