/** The port between members is shut to everybody without this network's key, whatever they show or say. */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import test from 'ava';
import { credentialsFor, loadOrMakeNetworkKey, tlsForClient } from '../../src/peers/trust.ts';
import { encodeJson } from '../../src/peers/wire.ts';
import { waitUntil } from '../network/wait-until.ts';
import { Scene } from './scene.ts';

let scene: Scene;
test.before(async () => {
  scene = await Scene.open();
});
test.after.always('closed', async () => scene?.close());

const COMMANDS = [
  'USER guest',
  'PASS guest',
  'PWD',
  'LIST',
  'RETR /canary.txt',
  'DELE /canary.txt',
  `SITE HELLO ${encodeJson({ protocol: 1 })}`,
  `SITE RECORD ${encodeJson({ path: '/canary.txt' })}`,
  `SITE COMMIT ${encodeJson({ id: 'an-id-of-a-stranger', operation: { op: 'delete', path: '/canary.txt' } })}`,
  'EPSV',
];

/** Says all the commands at once and hears until the end. */
async function heardBy(socket: Socket): Promise<string> {
  let heard = '';
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.write(`${COMMANDS.join('\r\n')}\r\n`);
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return heard;
}

function tls(options: ConnectionOptions): Socket {
  const { host, storagePort: port } = scene.a;
  return connectTls({ host, port, rejectUnauthorized: false, ...options });
}

async function networkKey(name: string) {
  return await loadOrMakeNetworkKey(join(scene.network.folder, name, 'network.key'));
}

test.serial('plain FTP, guest/guest, HTTP and garbage get no word', async (t) => {
  const { host, storagePort: port } = scene.a;
  for (const first of [
    '',
    'USER guest\r\nPASS guest\r\n',
    'AUTH TLS\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    '\u0016\u0003\u0001',
    'x'.repeat(100_000),
  ]) {
    const socket = connect({ host, port });
    socket.write(Buffer.from(first, 'latin1'));
    t.notRegex(await heardBy(socket), /\d{3}[ -]/, JSON.stringify(first.slice(0, 20)));
  }
});

test.serial('without a certificate nothing is said', async (t) => {
  t.is(await heardBy(tls({})), '');
});

test.serial(
  'a certificate of another network says nothing, with its own authority in the chain neither',
  async (t) => {
    const other = await credentialsFor(await networkKey('another'), 'odroid-x-0001');
    t.is(await heardBy(tls({ cert: other.cert, key: other.key })), '');
    t.is(await heardBy(tls({ cert: `${other.cert}\n${other.ca}`, key: other.key, ca: other.ca })), '');
  },
);

test.serial(
  'a certificate that claims to be of this network, made by somebody else, says nothing',
  async (t) => {
    const real = await networkKey('.');
    // The names of the real network, the authority of another secret.
    const forged = await credentialsFor(
      { ...real, secret: Buffer.alloc(real.secret.length, 7) },
      scene.a.name,
    );
    t.is(await heardBy(tls({ cert: forged.cert, key: forged.key })), '');
    t.is(await heardBy(tls({ cert: `${forged.cert}\n${forged.ca}`, key: forged.key })), '');
  },
);

test.serial('the certificate that the port itself shows is of no use without its key', async (t) => {
  const shown = connectTls({ host: scene.a.host, port: scene.a.storagePort, rejectUnauthorized: false });
  shown.on('error', () => undefined);
  const pem = await new Promise<string>((resolve) => {
    shown.once('secureConnect', () => {
      const { raw } = shown.getPeerCertificate();
      resolve(`-----BEGIN CERTIFICATE-----\n${raw.toString('base64')}\n-----END CERTIFICATE-----\n`);
    });
  });
  shown.destroy();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  // OpenSSL refuses the pair on our side already.
  t.throws(() => tls({ cert: pem, key }));
});

test.serial('old TLS is refused, with the right certificate too', async (t) => {
  const own = await credentialsFor(await networkKey('.'), 'odroid-y-0001');
  for (const maxVersion of ['TLSv1', 'TLSv1.1'] as const) {
    const old = { minVersion: 'TLSv1', maxVersion, ciphers: 'ALL:@SECLEVEL=0' } as const;
    t.is(await heardBy(tls({ cert: own.cert, key: own.key, ...old })), '', maxVersion);
  }
  const weak = { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:@SECLEVEL=0' } as const;
  t.is(await heardBy(tls({ cert: own.cert, key: own.key, ...weak })), '', 'no forward secrecy');
});

test.serial(
  'with the right key the user name must be that of the certificate, and guest is nobody',
  async (t) => {
    const own = await credentialsFor(await networkKey('.'), 'odroid-y-0001');
    const socket = connectTls({ host: scene.a.host, port: scene.a.storagePort, ...tlsForClient(own) });
    socket.write('QUIT\r\n');
    let heard = '';
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    await waitUntil('an answer', () => (/^221 /m.test(heard) ? null : heard));
    socket.destroy();
    const again = connectTls({ host: scene.a.host, port: scene.a.storagePort, ...tlsForClient(own) });
    again.end(`${COMMANDS.join('\r\n')}\r\nQUIT\r\n`);
    let answers = '';
    again.on('data', (chunk: Buffer) => {
      answers += chunk.toString('latin1');
    });
    again.on('error', () => undefined);
    await new Promise<void>((resolve) => again.once('close', () => resolve()));
    t.notRegex(answers, /^(230|229|227|250|150|213)[ -]/m, answers);
  },
);

test.serial('strangers at the storage port fill neither the log nor its places for members', async (t) => {
  const lines = scene.a.log().split('\n').length;
  const { host, storagePort: port } = scene.a;
  const crowd: Socket[] = [];
  for (let index = 0; index < 600; index += 1) {
    const socket = connect({ host, port, localAddress: `127.0.${200 + (index % 5)}.${1 + (index % 200)}` });
    socket.on('error', () => undefined);
    socket.write(index % 2 === 0 ? 'USER guest\r\n' : Buffer.from([22, 3, 1, 2, 0, 1]));
    crowd.push(socket);
  }
  const client = await scene.a.login();
  t.is((await client.upload('STOR /beside', 'a crowd')).code, 226);
  t.is((await client.command('DELE /beside')).code, 250);
  client.destroy();
  for (const socket of crowd) socket.destroy();
  const told = scene.a.log().split('\n').length - lines;
  t.log(`${told} lines`);
  t.true(told < 40, `${told} lines`);
});

test.serial('after all of it the members are as they were', async (t) => {
  t.true(existsSync(join(scene.a.filesDir, 'canary.txt')));
  await scene.assertUnharmed(t);
});
