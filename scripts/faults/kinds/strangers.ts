/** Peers that are none: noise on the port, another protocol, another version, another network; and noise on our own ports. */
import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { credentialsFor, loadOrMakeNetworkKey } from '../../../src/peers/trust.ts';
import { startFakePeer } from '../../../test/peers/fake-peer.ts';
import type { Fault, Scene } from '../fault.ts';

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function noise(sockets: Set<Socket>): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).resume();
    socket.write(randomBytes(3000));
  });
  const port = await listen(server);
  return { port, close: () => server.close() };
}

/** It has the network's key and lies: garbage, half a JSON, another version, tales about itself. */
function liar(scene: Scene): (line: string) => string | null {
  return (line) =>
    scene.random.pick<() => string | null>([
      () =>
        `200 ${randomBytes(40)
          .toString('latin1')
          .replaceAll(/[\r\n]/g, '?')}\r\n`,
      () => '200 {"protocol": 99, "member": "from-the-future", "store": "x"}\r\n',
      () => '200 {"protocol": 2, "member": "liar", "knowledge": {"a": 99999999}, \r\n',
      () => `${line.slice(0, 20)}\r\n`,
      () => '550 {"error": "no-such-error", "message": 7}\r\n',
      () => null,
    ])();
}

/** Bytes that nobody expects, at the ports for clients and for members. */
async function shout(port: number, host: string): Promise<void> {
  const socket = connect({ host, port });
  socket.on('error', () => undefined).resume();
  socket.write(randomBytes(5000));
  await pause(100);
  socket.destroy();
}

export const strangerFaults: readonly Fault[] = [
  {
    name: 'garbage-peer',
    what: 'PEERS.txt names a port of noise, a silent one, and a peer with the key that answers garbage and other versions',
    async strike(scene) {
      const { network } = scene;
      const sockets = new Set<Socket>();
      const loud = await noise(sockets);
      const silent = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
      });
      const silentPort = await listen(silent);
      const key = await loadOrMakeNetworkKey(join(network.folder, 'network.key'));
      const fake = await startFakePeer(await credentialsFor(key, 'liar'), liar(scene));
      const { port } = fake.replica.endpoint;
      const lies = [loud.port, silentPort, port].map((each) => `127.0.0.1:${each}`);
      const real = new Map(
        network.members.map((member) => [
          member,
          network.members
            .filter((other) => other !== member)
            .map((other) => network.addressOf(other, member)),
        ]),
      );
      for (const [member, addresses] of real) member.writePeers([...addresses, ...lies]);
      const end = performance.now() + scene.scale.longSeconds * 2 * 1000;
      while (performance.now() < end) {
        for (const { host, port: door, storagePort } of network.members) {
          await shout(door, host);
          await shout(storagePort, host);
        }
      }
      scene.note(`the liar heard ${fake.heard.length} commands`);
      for (const [member, addresses] of real) member.writePeers(addresses);
      for (const socket of sockets) socket.destroy();
      loud.close();
      silent.close();
      await fake.close();
      await scene.load();
    },
  },
];
