/**
 * `npm run network -- 3 [--data <dir>]`: several members on this one machine, each on a loopback address of its own
 * (127.0.0.1, 127.0.0.2, ...: clients on port 6000, storage on 6001), to see replication in a minute.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { exitWith, prepare, root, SetupError } from './toolchain.mjs';

const usage = 'usage: npm run network -- <members, 1 to 9> [--data <dir>]';

function readArguments(/** @type {string[]} */ given) {
  let count = 3;
  let data = 'data-network';
  const rest = given.flatMap((word) => (word.startsWith('--data=') ? ['--data', word.slice(7)] : [word]));
  while (rest.length > 0) {
    const word = rest.shift() ?? '';
    if (word === '--data' && rest.length > 0) data = rest.shift() ?? data;
    else if (/^[1-9]$/.test(word)) count = Number(word);
    else throw new SetupError(`"${word}" was not understood; ${usage}`);
  }
  return { count, data: resolve(data) };
}

const addressOf = (/** @type {number} */ number) => `127.0.0.${number}`;

/** Starts one member; resolves when it is ready, rejects when it ends before. */
function startMember(
  /** @type {string} */ runtime,
  /** @type {string} */ data,
  /** @type {number} */ number,
  /** @type {number} */ count,
) {
  const own = join(data, String(number));
  mkdirSync(own, { recursive: true });
  const others = Array.from({ length: count }, (_, index) => index + 1).filter((other) => other !== number);
  const peers = join(own, 'PEERS.txt');
  writeFileSync(
    peers,
    `# Made by npm run network.\n${others.map((other) => `${addressOf(other)}:6001\n`).join('')}`,
  );
  const port = 30_000 + (number - 1) * 100;
  const child = spawn(
    runtime,
    [
      ...['--no-warnings=ExperimentalWarning', join(root, 'dist', 'main.js'), 'run'],
      ...[
        '--data',
        own,
        '--name',
        `member-${number}`,
        '--peers',
        peers,
        '--network-key',
        join(data, 'network.key'),
      ],
      ...['--listen', `${addressOf(number)}:6000`, '--storage-listen', `${addressOf(number)}:6001`],
      ...[
        '--passive-ports',
        `${port}-${port + 99}`,
        '--storage-passive-ports',
        `${port + 1000}-${port + 1099}`,
      ],
      ...['--log-level', process.env.CLOUDROID_LOG_LEVEL ?? 'warn'],
    ],
    // What a member prints when it is ready is for one member alone; this script says it for all.
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  );
  const ready = new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (status) =>
      reject(new SetupError(`member ${number} ended at once (status ${status}), see above`)),
    );
  });
  return { child, ready };
}

function explain(/** @type {number} */ count, /** @type {string} */ data) {
  const first = addressOf(1);
  const last = addressOf(count);
  const near = relative(process.cwd(), data) || '.';
  const shown = near.startsWith('..') ? data : near;
  const rows = Array.from({ length: count }, (_, index) => {
    const number = index + 1;
    return `  member-${number}   ftp://${addressOf(number)}:6000   files in ${shown}/${number}/files`;
  });
  const lines = [
    `${count} ${count === 1 ? 'member runs' : 'members run'} on this machine. Log in as guest, password guest.`,
    '',
    ...rows,
    '',
    'See it in one minute, from another terminal:',
    '  echo hello > hello.txt',
    `  curl -T hello.txt ftp://guest:guest@${first}:6000/       # store it through the first`,
    `  curl ftp://guest:guest@${last}:6000/hello.txt            # read it from the last`,
    `  cat ${shown}/*/files/hello.txt                # every member holds a copy`,
    `  curl ftp://guest:guest@${first}:6000/ -Q 'DELE hello.txt' # delete it: gone on all`,
    `  scripts/cloudroid status --data ${shown}/1 --network-key ${shown}/network.key --storage-listen ${first}:6001`,
    '',
    'Ctrl-C stops them all.',
  ];
  console.log(`\n${lines.join('\n')}\n`);
}

async function main() {
  const { count, data } = readArguments(process.argv.slice(2));
  const runtime = await prepare();
  const members = [];
  let stopping = false;
  const ended = withResolvers();
  const stop = () => {
    stopping = true;
    for (const { child } of members) child.kill('SIGTERM');
    ended.resolve(null);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    // The first makes the network key before the others look for it.
    for (let number = 1; number <= count && !stopping; number += 1) {
      const member = startMember(runtime, data, number, count);
      members.push(member);
      await member.ready;
      member.child.once('exit', (status) => {
        if (!stopping) console.error(`member-${number} ended (status ${status}); the others go on`);
        if (members.every(({ child }) => child.exitCode !== null || child.signalCode !== null))
          ended.resolve(null);
      });
    }
    if (!stopping) explain(count, data);
    await ended.promise;
  } catch (error) {
    if (!stopping) throw error;
  } finally {
    stop();
    await Promise.all(members.map(({ child }) => gone(child)));
  }
  return 0;
}

function gone(/** @type {import('node:child_process').ChildProcess} */ child) {
  if (child.exitCode !== null || child.signalCode !== null) return null;
  return new Promise((resolve) => child.once('exit', resolve));
}

/** Promise.withResolvers for Node.js 20. */
function withResolvers() {
  /** @type {(value: unknown) => void} */
  let resolve = () => undefined;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

exitWith(main());
