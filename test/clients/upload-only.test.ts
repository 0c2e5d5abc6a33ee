/** Cameras under an account that may only upload, made on one member and used on the other, with a home folder of its own. */
import test, { type ExecutionContext } from 'ava';
import { formatAccount } from '../../src/accounts/account.ts';
import { hashPassword } from '../../src/accounts/password-hash.ts';
import { gatewayDefaults } from '../../src/config/settings-table.ts';
import { startProxy } from '../../src/proxy/proxy-server.ts';
import { type LabMember, withMembers } from '../peers/with-members.ts';
import { RawClient } from '../proxy/raw-client.ts';
import { listeningLogger } from '../storage/with-storage-server.ts';
import { cameraDialogues } from './dialogues/cameras.ts';
import { type Dialogue, play } from './dialogues/dialogue.ts';

async function gatewayOf(t: ExecutionContext, member: LabMember): Promise<number> {
  const gateway = await startProxy({
    ...gatewayDefaults,
    listen: { host: '127.0.0.1', port: 0 },
    passivePorts: { from: 0, to: 0 },
    replicas: member.replicas,
    logger: listeningLogger(member.logged),
    name: member.name,
  });
  t.teardown(() => gateway.close(0));
  return gateway.endpoint.port;
}

const playable = cameraDialogues.filter(({ uploadOnly }) => uploadOnly === true);

test('cameras need no more than an upload-only account, and it lets them see and spoil nothing of others', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    await lab.inStep();
    // Before they have heard of each other's users, members let nobody in.
    for (const member of lab.members) await member.sweep();
    await lab.inStep();
    const [a, b] = [lab.member('a'), lab.member('b')];
    await a.put('/others', 'of somebody else');
    const account = {
      name: 'guest',
      password: await hashPassword('guest'),
      home: '/cameras',
      rights: 'upload-only' as const,
      quotaBytes: 1_000_000,
      changedAt: 0,
    };
    await a.replicas.setAccount('guest', formatAccount(account));
    const port = await gatewayOf(t, b);
    t.true(playable.length >= 4, 'most cameras');
    for (const dialogue of playable) await playAndLook(t, dialogue, port, [a, b]);

    const camera = await RawClient.loggedIn(port);
    t.is((await camera.download('NLST')).bytes.toString(), '', 'nothing to see');
    for (const line of ['RETR late.jpg', 'RETR ../others', 'DELE late.jpg', 'RMD active']) {
      const { code } = line.startsWith('RETR')
        ? (await camera.download(line)).reply
        : await camera.command(line);
      t.is(code, 550, line);
    }
    // Only what it stored itself, in the same session, may be given another name.
    await camera.command('RNFR late.jpg');
    t.is((await camera.command('RNTO other.jpg')).code, 550);
    t.is(String(await a.read('/others')), 'of somebody else');
    t.is(String(await a.read('/cameras/late.jpg')), 'late');
    camera.destroy();
  });
});

async function playAndLook(
  t: ExecutionContext,
  dialogue: Dialogue,
  port: number,
  members: readonly LabMember[],
): Promise<void> {
  await play(dialogue, { host: '127.0.0.1', port });
  for (const [path, content] of Object.entries(dialogue.stored)) {
    for (const member of members) {
      const found = await member.read(`/cameras${path}`);
      t.is(found === null ? null : String(found), content, `${path} on ${member.name}: ${dialogue.title}`);
    }
  }
}
