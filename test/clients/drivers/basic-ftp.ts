/** basic-ftp, the FTP client of Node.js programs, in this process: EPSV, MLSD, TLS both ways. */
import { createReadStream } from 'node:fs';
import { Client } from 'basic-ftp';
import type { Door, FtpProgram } from './ftp-program.ts';

const secured = { none: false, explicit: true, implicit: 'implicit' } as const;

async function session<T>(door: Door, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(60_000);
  try {
    const { host, port, user, password } = door;
    const secure = secured[door.security];
    // A certificate of the member's own: nobody vouches for it.
    await client.access({ host, port, user, password, secure, secureOptions: { rejectUnauthorized: false } });
    return await use(client);
  } finally {
    client.close();
  }
}

export const basicFtpProgram: FtpProgram = {
  title: 'basic-ftp',
  needs: [],
  secures: ['explicit', 'implicit'],
  cannotSendEmpty: ({ security }) =>
    security === 'none' ? null : 'where a session is resumed it ends the connection before the handshake has',
  async upload(_t, door, local, remote) {
    await session(door, (client) => client.uploadFrom(local, remote));
  },
  async download(_t, door, remote, local) {
    await session(door, (client) => client.downloadTo(local, remote));
  },
  async makeFolder(_t, door, folder) {
    await session(door, (client) => client.ensureDir(folder));
  },
  list: (_t, door, folder) =>
    session(door, async (client) => (await client.list(folder)).map(({ name }) => name)),
  async rename(_t, door, from, to) {
    await session(door, (client) => client.rename(from, to));
  },
  async remove(_t, door, remote) {
    await session(door, (client) => client.remove(remote));
  },
  async removeFolder(_t, door, folder) {
    await session(door, (client) => client.removeEmptyDir(folder));
  },
  async append(_t, door, local, remote) {
    await session(door, (client) => client.appendFrom(local, remote));
  },
  async resumeUpload(_t, door, local, remote, offset) {
    await session(door, (client) => client.appendFrom(createReadStream(local, { start: offset }), remote));
  },
  async resumeDownload(_t, door, remote, local, offset) {
    await session(door, (client) => client.downloadTo(local, remote, offset));
  },
  async sendFolder(_t, door, local, remote) {
    await session(door, (client) => client.uploadFromDir(local, remote));
  },
  async fetchFolder(_t, door, remote, local) {
    await session(door, (client) => client.downloadToDir(local, remote));
  },
};
