/** Members that know of the same writes and yet hold different records. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import test from 'ava';
import { openReplica } from '../../src/peers/ftp-replica.ts';
import { credentialsFor, loadOrMakeNetworkKey } from '../../src/peers/trust.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import { assertIdentical, becomeIdentical, diskPicture } from './compare.ts';
import { withNetwork } from './with-network.ts';

test('a conflict copy that only one member made reaches the others without waiting for the schedule', async (t) => {
  await withNetwork(t, { members: 3 }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    const client = await a.login();
    t.is((await client.upload('STOR /file', 'the winner')).code, 226);
    client.destroy();
    await becomeIdentical(network.members);
    const { hello } = await b.status();
    const key = await loadOrMakeNetworkKey(join(network.folder, 'network.key'));
    const replica = openReplica({
      endpoint: { host: b.host, port: b.storagePort },
      credentials: await credentialsFor(key, hello.member),
    });
    const bytes = Buffer.from('the loser');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const path = '/file.conflict-20261123T092254.429Z-x-1';
    const actor = '*x.1';
    // As a merge makes it: its dot is of an actor that nobody's knowledge names.
    const record: ReplicaRecord = {
      path,
      kind: 'file',
      size: bytes.length,
      sha256,
      mtime: 1_000,
      stamp: 1_000,
      dot: [actor, 1],
      context: { [actor]: 1 },
      kept: [],
    };
    const content = { [sha256]: { inline: bytes.toString('base64') } };
    const { counts } = await replica.merge({ mode: 'push', records: [{ record, base: null }], content });
    replica.close();
    t.is(counts.applied, 1, JSON.stringify(counts));
    await becomeIdentical(network.members, 40_000);
    t.true((await diskPicture(a.filesDir)).includes(`${path} file ${sha256}`));
    await assertIdentical(t, network.members);
  });
});
