/** Data connections of people who do not know how, or know too well. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { FuzzClient } from './client.ts';
import type { DataBehaviour, Step } from './plan.ts';

type TransferStep = Extract<Step, { kind: 'transfer' }>;

const REPLY_MS = 1500;
const ABORT = Buffer.from([255, 244, 255, 242, ...Buffer.from('ABOR\r\n')]);

function dial({ host, from }: FuzzClient, port: number, localAddress = from): Socket {
  const socket = connect({ host, port, localAddress, allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end());
  return socket;
}

/** Under TLS where PROT P was said; now and then in plain text all the same, and not always with the session resumed. */
function protectedOne({ protectsData, session }: FuzzClient, plain: Socket, bytes: Buffer): Socket {
  if (!protectsData || bytes.length % 7 === 3) return plain;
  const resumed = session === undefined || bytes.length % 3 === 0 ? {} : { session };
  const secure = connectTls({ socket: plain, rejectUnauthorized: false, ...resumed });
  secure.on('error', () => undefined);
  secure.on('end', () => secure.end());
  return secure;
}

async function listenAt(
  host: string,
  onConnection: (socket: Socket) => void,
): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, onConnection);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

export async function transfer(client: FuzzClient, step: TransferStep): Promise<void> {
  if (step.before !== '') {
    client.say(Buffer.from(`${step.before}\r\n`));
    await client.answered();
  }
  client.note(step.behaviour);
  if (step.behaviour.startsWith('active')) await active(client, step);
  else await passive(client, step);
}

async function active(client: FuzzClient, { line, bytes, behaviour }: TransferStep): Promise<void> {
  const sockets: Socket[] = [];
  const { server, port } = await listenAt(client.from, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    if (behaviour === 'active-resets') socket.resetAndDestroy();
    else {
      const data = protectedOne(client, socket, bytes);
      data.resume();
      data.end(bytes);
    }
  });
  if (behaviour === 'active-refuses') server.close();
  const even = port % 2 === 0;
  client.say(
    Buffer.from(
      even
        ? `EPRT |1|${client.from}|${port}|\r\n`
        : `PORT ${client.from.replaceAll('.', ',')},${port >> 8},${port & 255}\r\n`,
    ),
  );
  await client.answered();
  client.say(Buffer.from(`${line}\r\n`));
  await client.finished(REPLY_MS);
  server.close();
  for (const socket of sockets) socket.destroy();
}

async function passive(client: FuzzClient, { line, bytes, behaviour }: TransferStep): Promise<void> {
  client.say(Buffer.from(bytes.length % 2 === 0 ? 'EPSV\r\n' : 'PASV\r\n'));
  const port = portIn(await client.answered());
  const command = Buffer.from(`${line}\r\n`);
  if (port === null || behaviour === 'never') {
    client.say(command);
    await client.answered();
    return;
  }
  const before = behaviour !== 'late';
  if (!before) {
    client.say(command);
    await pause(100 + (bytes.length % 300));
  }
  const stranger = behaviour === 'stranger' ? dial(client, port, '127.0.0.9') : null;
  const socket = dial(client, port);
  const second = behaviour === 'twice' ? dial(client, port) : null;
  if (behaviour === 'early') await pause(20);
  if (before) client.say(command);
  await play(client, socket, bytes, behaviour);
  await client.finished(REPLY_MS);
  for (const one of [socket, stranger, second]) one?.destroy();
}

async function play(
  client: FuzzClient,
  plain: Socket,
  bytes: Buffer,
  behaviour: DataBehaviour,
): Promise<void> {
  const socket = protectedOne(client, plain, bytes);
  switch (behaviour) {
    case 'reset':
      socket.write(bytes);
      await pause(bytes.length % 40);
      if (!plain.destroyed) plain.resetAndDestroy();
      return;
    case 'half':
      socket.end();
      await pause(50);
      socket.resume();
      return;
    case 'slow':
      for (let at = 0; at < Math.min(bytes.length, 200); at += 20) {
        socket.write(bytes.subarray(at, at + 20));
        await pause(15);
      }
      socket.resume();
      socket.end();
      return;
    case 'abort':
      socket.write(bytes);
      socket.resume();
      await pause(bytes.length % 30);
      client.say(ABORT);
      socket.end();
      return;
    default:
      socket.resume();
      socket.end(bytes);
  }
}

function portIn(text: string): number | null {
  const extended = /\(\|\|\|(\d+)\|\)/.exec(text)?.[1];
  if (extended !== undefined) return Number(extended);
  const [, high, low] = /\(\d+,\d+,\d+,\d+,(\d+),(\d+)\)/.exec(text) ?? [];
  return high === undefined ? null : Number(high) * 256 + Number(low);
}
