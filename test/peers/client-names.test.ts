/** Names as clients send them, through the gateway into the real stores of two members. */
import { readdir } from 'node:fs/promises';
import test from 'ava';
import { NoReplicaError } from '../../src/peers/replica-set-api.ts';
import { RawClient } from '../proxy/raw-client.ts';
import { withProxy } from '../proxy/with-proxy.ts';
import { until, withMembers } from './with-members.ts';

const TWINS = [
  '\u00e9',
  'e\u0301',
  'readme',
  'README',
  'Readme',
  '\ufb01',
  'fi',
  '\u212b',
  '\u00c5',
  'A\u030a',
];
const ODD = [' a', 'a ', '-la', 'a\\b', '*', 'CON', 'a:b', '\u200fa', '\u{1f4be}', '\ufffe', 'x'.repeat(255)];

test('names that differ in Unicode form or case are different files on every member, stored as they were sent', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    await lab.inStep();
    const [a, b] = lab.members;
    if (a === undefined || b === undefined) throw new Error('two members');
    const { port } = await withProxy(t, { replicas: a.replicas });
    const client = await RawClient.loggedIn(port);
    for (const name of [...TWINS, ...ODD]) {
      t.is((await client.upload(`STOR ${name}`, `content of ${name}`)).code, 226, name);
    }
    for (const { filesDir } of [a, b]) {
      const shown = (await readdir(filesDir)).filter((name) => !name.startsWith('.cloudroid'));
      t.deepEqual(shown.sort(), [...TWINS, ...ODD].sort());
    }
    for (const name of [...TWINS, ...ODD]) t.is(String(await b.read(`/${name}`)), `content of ${name}`);
    const listed = (await client.download('NLST')).bytes.toString().split('\r\n').slice(0, -1);
    t.deepEqual(listed.sort(), [...TWINS, ...ODD].sort());
    t.is((await client.command('DELE \u00e9')).code, 250);
    t.is((await client.command('SIZE e\u0301')).code, 213);
    client.destroy();
  });
});

test('our own names are 553 in any case, on the real store too, and nothing of them is made', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const [a] = lab.members;
    if (a === undefined) throw new Error('a member');
    await until(() => a.replicas.members()[0]?.state === 'in step');
    const before = await readdir(a.filesDir);
    const { port } = await withProxy(t, { replicas: a.replicas });
    const client = await RawClient.loggedIn(port);
    for (const name of ['.cloudroid', '.CLOUDROID', '.Cloudroid-x', '.cloudroidx/y']) {
      t.is((await client.upload(`STOR ${name}`, 'x')).code, 553, name);
      t.is((await client.command(`MKD ${name}`)).code, 553, name);
    }
    t.deepEqual(await readdir(a.filesDir), before);
    client.destroy();
  });
});

test('AVBL tells the least that is free on the members that answer', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    await lab.inStep();
    const [a, b] = lab.members;
    if (a === undefined || b === undefined) throw new Error('two members');
    const free = await a.replicas.freeBytes();
    t.true(free > 0);
    const own = (await a.client.hello()).freeBytes;
    t.true(free <= own + 64 * 1024 * 1024, `${free} of ${own}`);
    await b.stopStorage();
    t.true((await a.replicas.freeBytes()) > 0, 'with a peer away');
  });
  await withMembers(t, { members: 1 }, async (lab) => {
    const [a] = lab.members;
    await a?.stopStorage();
    await t.throwsAsync(async () => await a?.replicas.freeBytes(), { instanceOf: NoReplicaError });
  });
});
