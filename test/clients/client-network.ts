/** Two real members for real programs, with a door for each kind of security, and the 300 files in place. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Member } from '../network/member.ts';
import { type Network, openNetwork } from '../network/with-network.ts';
import { crowdNames, type Security } from './drivers/ftp-program.ts';
import { CROWD, crowdBytes, type Doors, type MemberDoor } from './repertoire.ts';

export async function openClientNetwork(): Promise<Network & AsyncDisposable> {
  const network = await openNetwork({
    members: 2,
    implicitTls: true,
    // Every call of a program is a login, thousands in all, and all from one address.
    options: ['--logins-per-minute', '100000'],
  });
  const client = await network.member('a').login();
  await client.command(`MKD ${CROWD}`);
  await client.command('TYPE I');
  for (const name of crowdNames) await client.upload(`STOR ${CROWD}/${name}`, crowdBytes(name));
  client.destroy();
  return network;
}

function doorOf(member: Member, security: Security): MemberDoor {
  return {
    host: member.host,
    port: security === 'implicit' ? member.tlsPort : member.port,
    security,
    user: 'guest',
    password: 'guest',
    async onDisk(remote) {
      try {
        return await readFile(join(member.filesDir, remote));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
        throw error;
      }
    },
    async byHand(remote, bytes) {
      const client = await member.login();
      const { code, text } = await client.upload(`STOR ${remote}`, bytes);
      client.destroy();
      if (code !== 226) throw new Error(`STOR ${remote}: ${text}`);
    },
  };
}

/** Through the first member in, through the others out. */
export function doorsOf(network: Network, security: Security): Doors {
  const [near, ...far] = network.members.map((member) => doorOf(member, security));
  if (near === undefined) throw new Error('no members');
  return { near, far };
}

/** Makes an empty folder on all members. */
export async function makeHome(network: Network, home: string): Promise<void> {
  const client = await network.member('a').login();
  const { code, text } = await client.command(`MKD ${home}`);
  client.destroy();
  if (code !== 257) throw new Error(`MKD ${home}: ${text}`);
}
