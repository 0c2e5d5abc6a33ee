/**
 * A process that cuts connections the moment their TLS handshake is done, in the very turn in which it hears of that, and says
 * that it is alive: `node cut-in-handshake.ts peer|client`.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { resetConnection } from '../../src/ftp/reset-connection.ts';
import { handshake, secureSocket } from '../../src/ftp/secure-socket.ts';
import { reset } from '../../src/peers/data-connection.ts';
import { credentialsFor, loadOrMakeNetworkKey } from '../../src/peers/trust.ts';
import { DataHandshakes } from '../../src/storage/server/data-handshakes.ts';

const CONNECTIONS = 30;

const [how = '', keyFile = ''] = process.argv.slice(2);
const { cert, key, ca } = await credentialsFor(await loadOrMakeNetworkKey(keyFile), 'odroid-a-0001');
const handshakes = new DataHandshakes({ cert, key, ca, requestCert: true, rejectUnauthorized: true });
const context = createSecureContext({ cert, key });

async function cut(raw: Socket): Promise<void> {
  raw.on('error', () => undefined);
  if (how === 'peer') {
    const tls = await handshakes.accept(raw);
    tls.on('error', () => undefined);
    reset({ tls, raw });
    return;
  }
  const tls = secureSocket(raw, context);
  tls.on('error', () => undefined);
  await handshake(tls, 10_000);
  resetConnection(tls);
}

const listener = createServer((raw) => void cut(raw)).listen(0, '127.0.0.1');
await once(listener, 'listening');
const address = listener.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;
for (let left = CONNECTIONS; left > 0; left -= 1) {
  const raw = connect({ host: '127.0.0.1', port });
  await once(raw, 'connect');
  const tls = connectTls({ socket: raw, cert, key, ca, checkServerIdentity: () => undefined });
  let failure = '';
  tls.on('error', (error) => {
    failure = 'code' in error ? String(error.code) : error.message;
  });
  // What comes with the last step of the handshake is read in the same turn.
  tls.write(Buffer.alloc(10_000));
  await new Promise((resolve) => tls.once('close', resolve));
  raw.destroy();
  if (failure !== 'ECONNRESET' && failure !== 'EPIPE') throw new Error(`it was not reset: ${failure}`);
}
listener.close();
console.log('alive');
