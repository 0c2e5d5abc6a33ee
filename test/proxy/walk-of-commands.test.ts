/** Every command of the table with everything wrong with it (command-rows.ts): the stated code each time, never silence. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { commandTable } from '../../src/proxy/command-table.ts';
import { COMMAND_ROWS, type CommandRow } from './command-rows.ts';
import { type RawClient, readAll } from './raw-client.ts';
import { until, withProxy } from './with-proxy.ts';

/** More than the buffers between two sockets hold, so that a download whose client does not read goes on. */
const LARGE = Buffer.alloc(12 * 1024 * 1024, 'x');

/** The rows with every spelling of their command. */
const spoken = commandTable.flatMap(({ name, aliases = [] }) => {
  const row = COMMAND_ROWS[name];
  return row === undefined ? [] : [name, ...aliases].map((spelled) => ({ name, spelled, row }));
});

const respell = (line: string, name: string, spelled: string) =>
  line.startsWith(name) ? spelled + line.slice(name.length) : line;

async function scene(t: Parameters<typeof withProxy>[0]) {
  const bench = await withProxy(t, { limits: { dataConnectionMs: 50 } });
  await bench.put('f', 'abc');
  await mkdir(join(bench.replicas.files, 'd'));
  return bench;
}

async function lives(client: RawClient): Promise<boolean> {
  return (await client.command('NOOP')).code === 200;
}

test('every command of the table has a row, and every row is of a command', (t) => {
  t.deepEqual(commandTable.map(({ name }) => name).sort(), Object.keys(COMMAND_ROWS).sort());
});

test('before login', async (t) => {
  const { connect, names, stored } = await scene(t);
  for (const { name, spelled, row } of spoken) {
    const client = await connect();
    const [line, code] = row.stranger;
    t.is((await client.command(respell(line, name, spelled))).code, code, `${spelled}: ${line}`);
    if (name !== 'QUIT') t.true(await lives(client), spelled);
    client.destroy();
  }
  t.deepEqual(await names(), ['d', 'f']);
  t.is(await stored('f'), 'abc');
});

test('missing, bad and extra arguments', async (t) => {
  const { login, names, stored } = await scene(t);
  for (const { name, spelled, row } of spoken) {
    const client = await login();
    for (const [line, code] of row.wrong) {
      t.is((await client.command(respell(line, name, spelled))).code, code, `${spelled}: ${line}`);
    }
    t.true(await lives(client), spelled);
    client.destroy();
  }
  t.deepEqual(await names(), ['d', 'f']);
  t.is(await stored('f'), 'abc');
});

/** Says the command of a row while a transfer runs, lets the transfer end, and gives the codes in the order they came. */
async function during(client: RawClient, { during: said }: CommandRow, end: () => void): Promise<number[]> {
  const [line, , when] = said;
  client.send(`${line}\r\n`);
  const early = await client.replies({ 'at once': 1, after: 0, 'ends it': 2 }[when]);
  end();
  return [...early, ...(await client.replies(2 - early.length))];
}

const expected = ([, code, when]: CommandRow['during']) =>
  ({ 'at once': [code, 226], after: [226, code], 'ends it': [426, code] })[when];

test('during an upload: at once or behind its end, never lost, and the file is stored', async (t) => {
  const { login, replicas, stored } = await scene(t);
  for (const { spelled, row } of spoken) {
    const client = await login();
    const data = await client.dataConnection();
    t.is((await client.command('STOR up')).code, 150);
    data.write('half');
    await until(() => replicas.openUploads === 1);
    t.deepEqual(await during(client, row, () => data.end(spelled)), expected(row.during), spelled);
    t.is((await stored('up')) === `half${spelled}`, row.during[2] !== 'ends it');
    client.destroy();
    if (spelled === 'MKD' || spelled === 'XMKD') await (await login()).command('RMD n');
  }
});

test('during a download: at once or behind its end, never lost, and all bytes arrive', async (t) => {
  const { login, put } = await scene(t);
  await put('large', LARGE);
  for (const { spelled, row } of spoken) {
    const client = await login();
    const data = await client.dataConnection();
    data.pause();
    t.is((await client.command('RETR large')).code, 150);
    let bytes: Promise<Buffer> | undefined;
    const codes = await during(client, row, () => {
      bytes = readAll(data);
    });
    t.deepEqual(codes, expected(row.during), spelled);
    t.is((await bytes)?.length === LARGE.length, row.during[2] !== 'ends it');
    client.destroy();
    if (spelled === 'MKD' || spelled === 'XMKD') await (await login()).command('RMD n');
  }
});

test('wrong orders', async (t) => {
  const { connect, login, put, stored } = await scene(t);
  await put('g', '0123456789');
  const dialogues: readonly (readonly (readonly [line: string, code: number])[])[] = [
    [
      ['PASS guest', 503],
      ['USER guest', 331],
      ['USER other', 331],
      ['PASS guest', 530],
      ['PASS guest', 503],
      ['USER guest', 331],
      ['PWD', 530],
      ['HOST x', 503],
      ['PASS guest', 230],
      ['PASS guest', 230],
      ['PWD', 257],
      ['USER guest', 331],
      ['PWD', 530],
      ['PASS guest', 230],
      ['REIN', 220],
      ['PASS guest', 503],
      ['HOST x', 220],
    ],
    [
      ['USER guest', 331],
      ['PASS guest', 230],
      ['RNTO x', 503],
      ['RNFR f', 350],
      ['NOOP', 200],
      ['RNFR missing', 550],
      ['RNTO x', 503],
      ['RNFR f', 350],
      ['REIN', 220],
      ['USER guest', 331],
      ['PASS guest', 230],
      ['RNTO x', 503],
      ['ABOR', 225],
      ['PBSZ 0', 503],
      ['PROT P', 503],
      ['RETR f', 425],
      ['EPSV ALL', 200],
      ['PASV', 501],
      ['RETR f', 425],
    ],
  ];
  for (const dialogue of dialogues) {
    const client = await connect();
    for (const [line, code] of dialogue) t.is((await client.command(line)).code, code, line);
  }
  const client = await login();
  t.is((await client.command('REST 5')).code, 350);
  t.is((await client.command('NOOP')).code, 200);
  t.is((await client.download('RETR g')).bytes.toString(), '56789', 'REST waits for the transfer');
  t.is((await client.download('RETR g')).bytes.toString(), '0123456789', 'and is used up by it');
  t.is((await client.command('REST 5')).code, 350);
  t.is((await client.download('NLST d')).reply.code, 226);
  t.is((await client.download('RETR g')).bytes.toString(), '0123456789', 'by a listing too');
  t.is((await client.command('REST 99')).code, 350);
  t.is((await client.download('RETR g')).reply.code, 554);
  t.is((await client.upload('STOR g', 'new')).code, 226);
  t.is(await stored('g'), 'new', 'a refused transfer uses it up too');
  client.send('QUIT\r\nMKD late\r\nNOOP\r\n');
  t.deepEqual(await client.replies(1), [221]);
  await client.closed();
  t.is((await (await login()).command('CWD late')).code, 550, 'nothing is heard behind QUIT');
});
