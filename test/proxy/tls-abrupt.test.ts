/** Clients that leave a protected data connection in ways of their own. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import test from 'ava';
import { TlsClient } from './tls-client.ts';
import { testTls } from './tls-provider.ts';
import { withProxy } from './with-proxy.ts';

/** Passes on the first `most` pieces of what TLS has to say; the end of TLS does not end the connection. */
function between(plain: Socket, most: number): Duplex {
  let count = 0;
  plain.on('data', (chunk: Buffer) => stream.push(chunk));
  plain.on('end', () => stream.push(null));
  const stream = new Duplex({
    read() {
      plain.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      count += 1;
      if (count <= most) plain.write(chunk, () => done());
      else done();
    },
    final(done) {
      done();
    },
  });
  return stream;
}

test('a client that leaves in the middle of the handshake is told at once, and nothing is stored', async (t) => {
  const { port, names } = await withProxy(t, { tls: await testTls(), limits: { handshakeMs: 600_000 } });
  const client = await TlsClient.loggedIn(port);
  const { plain } = await client.passive();
  t.is((await client.command('STOR f')).code, 150);
  const socket = connectTls({ socket: between(plain, 1), rejectUnauthorized: false });
  socket.on('error', () => undefined);
  // Its ClientHello is out, the answer is here: as basic-ftp ends it when the file is empty.
  await once(plain, 'data');
  plain.end();
  t.is((await client.control.reply()).code, 425);
  t.deepEqual(await names(), []);
  client.destroy();
});
