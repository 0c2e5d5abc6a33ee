import { connect } from 'node:net';
import test from 'ava';
import { commandTable } from '../../src/proxy/command-table.ts';
import { RawClient } from './raw-client.ts';
import { until, withProxy } from './with-proxy.ts';

/** Numerical Recipes' LCG: the same clients for the same seed. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const VERBS = commandTable.map(({ name }) => name).filter((name) => name !== 'QUIT' && name !== 'REIN');
const ARGUMENTS = [
  '',
  ' a',
  ' b',
  ' d',
  ' d/x',
  ' /',
  ' ..',
  ' -la',
  ' 5',
  ' I',
  ' A',
  ' S',
  ' 20200101000000 a',
  ' \u00e9',
  ' a\u0001',
  ' |1|127.0.0.1|9|',
  ' 127,0,0,1,9,9',
  ` ${'y'.repeat(300)}`,
];
const TRANSFERS = ['STOR a', 'STOR d/x', 'APPE b', 'STOU', 'RETR a', 'RETR big', 'LIST', 'NLST d', 'MLSD'];

test('whatever clients say, in whatever pieces, and however they leave: an answer to each, no defect, nothing left behind', async (t) => {
  const { port, proxy, replicas, log, put } = await withProxy(t, {
    loginsPerMinute: 10_000,
    limits: { dataConnectionMs: 50, stallMs: 100, early150Ms: 5 },
  });
  await put('big', Buffer.alloc(3_000_000));
  let answers = 0;
  for (let seed = 1; seed <= 60; seed += 1) {
    const random = generator(seed);
    const pick = <T>(choices: readonly T[]): T => choices[random(choices.length)] as T;
    const client = await RawClient.loggedIn(port);
    for (let step = 0; step < 12; step += 1) {
      if (random(3) === 0) {
        const dataPort = await client.passivePort();
        const data = random(6) === 0 ? null : connect(dataPort, '127.0.0.1');
        data?.on('error', () => undefined);
        if (random(4) === 0) data?.pause();
        else data?.resume();
        data?.write(Buffer.alloc(random(200_000)));
        client.send(`${pick(TRANSFERS)}\r\n`);
        const ending = random(4);
        if (ending === 0) client.send(Buffer.from([255, 244, 255, 242, ...Buffer.from('ABOR\r\n')]));
        else if (ending === 1) data?.resetAndDestroy();
        else data?.end();
        let codes: number[] = [];
        while (codes.length === 0 || (codes.at(-1) ?? 0) < 200)
          codes = [...codes, ...(await client.replies(1))];
        if (ending === 0) codes = [...codes, ...(await client.replies(1))];
        answers += codes.length;
        data?.destroy();
      } else {
        const line = Buffer.from(`${pick(VERBS)}${pick(ARGUMENTS)}\r\n`);
        const cut = random(line.length);
        client.send(line.subarray(0, cut));
        if (random(2) === 0) await new Promise((resolve) => setImmediate(resolve));
        client.send(line.subarray(cut));
        let { code } = await client.reply();
        answers += 1;
        while (code < 200) ({ code } = await client.reply());
      }
      if (!(await client.command('USER guest')).text.startsWith('331')) t.fail(`seed ${seed} is out of step`);
      if ((await client.command('PASS guest')).code !== 230) t.fail(`seed ${seed} cannot log in`);
    }
    if (random(2) === 0) client.socket.resetAndDestroy();
    else client.socket.end();
  }
  t.true(answers >= 60 * 12);
  await until(() => proxy.counts().sessions === 0);
  t.is(replicas.openUploads, 0);
  t.deepEqual(await replicas.stagedFiles(), []);
  t.deepEqual(
    log.filter(({ level }) => level === 'error'),
    [],
  );
});
