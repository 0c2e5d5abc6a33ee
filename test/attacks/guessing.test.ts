/** Passwords cannot be guessed at any pace, and no answer tells which user names there are. */
import test from 'ava';
import { RawClient } from '../proxy/raw-client.ts';
import { Scene } from './scene.ts';

let scene: Scene;
test.before(async () => {
  scene = await Scene.open();
});
test.after.always('closed', async () => scene?.close());

const connect = (localAddress: string) =>
  RawClient.connect(scene.a.port, { host: scene.a.host, localAddress });

test.serial('every user name is answered alike, known or not', async (t) => {
  const answers = new Set<string>();
  const names = [
    'guest',
    'Guest',
    'root',
    'admin',
    'anonymous',
    'ftp',
    '%s',
    '../guest',
    "' or 1=1 --",
    'x'.repeat(500),
    'ü',
    'guest guest',
    '__proto__',
  ];
  for (const [index, name] of names.entries()) {
    const client = await connect(`127.0.1.${index + 1}`);
    const asked = (await client.command(`USER ${name}`)).text;
    answers.add(
      `${asked} / ${(await client.command('PASS wrong')).text} / ${(await client.command('PASS guest')).text}`,
    );
    t.is((await client.command('PWD')).code, 530);
    client.destroy();
  }
  t.is(answers.size, 1, [...answers].join('\n'));
});

test.serial('a hundred passwords in one piece are five tries, and then the connection is over', async (t) => {
  const client = await connect('127.0.2.1');
  let guesses = '';
  for (let guess = 0; guess < 99; guess += 1) guesses += `USER guest\r\nPASS ${guess}\r\n`;
  client.send(`${guesses}USER guest\r\nPASS guest\r\n`);
  await client.closed();
  t.is(client.heard.match(/^530 /gm)?.length, 4);
  t.is(client.heard.match(/^421 /gm)?.length, 1);
  t.notRegex(client.heard, /^230 /m);
});

test.serial('REIN, a new USER, AUTH or a login in between do not begin the five anew', async (t) => {
  const client = await connect('127.0.2.2');
  const codes: number[] = [];
  for (const line of ['REIN', 'USER x', 'USER guest', 'FEAT', 'PASS guest']) {
    if (line === 'PASS guest') {
      await client.command('USER guest');
      t.is((await client.command(line)).code, 230);
      await client.command('REIN');
    } else await client.command(line);
    await client.command('USER guest');
    codes.push((await client.command('PASS wrong')).code);
  }
  t.deepEqual(codes, [530, 530, 530, 530, 421]);
  await client.closed();
});

test.serial(
  'who has guessed wrong waits longer and longer, also in a new connection and with the right password; others do not wait',
  async (t) => {
    const guesser = '127.0.2.3';
    const first = await connect(guesser);
    for (let guess = 0; guess < 4; guess += 1) {
      await first.command('USER guest');
      await first.command('PASS wrong');
    }
    const order: string[] = [];
    const again = await connect(guesser);
    await again.command('USER guest');
    const slow = again.command('PASS guest').then(({ code }) => order.push(`guesser ${code}`));
    for (let client = 1; client <= 5; client += 1) {
      const honest = await RawClient.loggedIn(scene.a.port, {
        host: scene.a.host,
        localAddress: `127.0.3.${client}`,
      });
      order.push('honest');
      honest.destroy();
    }
    await slow;
    t.deepEqual(order, [...Array.from({ length: 5 }, () => 'honest'), 'guesser 230']);
    first.destroy();
    again.destroy();
  },
);

test.serial('the log tells of guesses, briefly, and never a password', async (t) => {
  const client = await connect('127.0.2.4');
  await client.command(`USER ${'n'.repeat(3000)}`);
  await client.command('PASS very-secret-word');
  client.destroy();
  const log = scene.a.log();
  t.regex(log, /login failed.*127\.0\.2\.4|127\.0\.2\.4.*login failed/);
  t.notRegex(log, /very-secret-word/);
  t.true(log.split('\n').every((line) => line.length < 400));
  await scene.assertUnharmed(t);
});
