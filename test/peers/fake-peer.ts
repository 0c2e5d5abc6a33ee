/** Something on a port that has the network key and answers as a test likes: what no storage server would say. */
import { createServer as createTcpServer } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { openReplica, type ReplicaOptions } from '../../src/peers/ftp-replica.ts';
import type { ReplicaClient } from '../../src/peers/replica-client-api.ts';
import type { TlsCredentials } from '../../src/peers/trust.ts';

/** What is written back for a command line; null: nothing, ever. */
type Answer = (line: string, socket: TLSSocket) => string | null;

export interface FakePeer {
  readonly replica: ReplicaClient;
  /** Lines heard, over all connections. */
  readonly heard: string[];
  connections(): number;
  close(): Promise<void>;
}

export async function startFakePeer(
  { cert, key, ca, ...credentials }: TlsCredentials,
  answer: Answer,
  options: Partial<ReplicaOptions> = {},
): Promise<FakePeer> {
  const heard: string[] = [];
  const sockets = new Set<TLSSocket>();
  let connections = 0;
  const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, (socket) => {
    sockets.add(socket);
    connections += 1;
    socket.setNoDelay(true);
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.write('220 Ready\r\n');
    let text = '';
    socket.on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        heard.push(line);
        const said = line.startsWith('USER')
          ? '331 x\r\n'
          : line.startsWith('PASS')
            ? '230 x\r\n'
            : answer(line, socket);
        if (said !== null) socket.write(said);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const replica = openReplica({
    endpoint: { host: '127.0.0.1', port },
    credentials: { cert, key, ca, ...credentials },
    ...options,
  });
  return {
    replica,
    heard,
    connections: () => connections,
    async close() {
      replica.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A TCP port where everybody is greeted in plain text. */
export async function startPlainServer(): Promise<{ port: number; close(): Promise<void> }> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.resume();
    socket.end('220 (vsFTPd 3.0.3)\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: async () => {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
