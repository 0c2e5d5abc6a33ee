import test from 'ava';
import { NoReplicaError } from '../../src/peers/replica-set-api.ts';
import { errorReply } from '../../src/proxy/error-reply.ts';
import { Refusal, type RefusalKind } from '../../src/replication/operation.ts';
import { withProxy } from './with-proxy.ts';

test('each refusal has its code, 4xx where trying again may help, and names only the path of the client', (t) => {
  const expected: { readonly [kind in RefusalKind]: number } = {
    'not-found': 550,
    exists: 550,
    'not-a-directory': 550,
    'is-a-directory': 550,
    'not-empty': 550,
    'forbidden-name': 553,
    changed: 450,
    'hash-mismatch': 451,
    'missing-content': 450,
    'no-space': 452,
    'read-only': 451,
    busy: 450,
    invalid: 501,
    io: 451,
  };
  for (const [kind, code] of Object.entries(expected) as [RefusalKind, number][]) {
    const answer = errorReply(new Refusal(kind, 'EIO at /srv/volume/x', { path: '/f' }));
    t.is(answer?.code, code, kind);
    t.regex(answer?.lines[0] ?? '', /^\/f: /);
    t.notRegex(answer?.lines[0] ?? '', /srv/);
  }
});

test('no member, a refusal and a defect are answered, never with silence, and the session lives', async (t) => {
  const { login, put, replicas, log } = await withProxy(t);
  await put('f', 'x');
  const client = await login();
  let toldBefore = 0;
  for (const [failure, code] of [
    [new NoReplicaError('nobody'), 451],
    [new Refusal('busy', 'x'), 450],
    [new TypeError('/srv/secret is not a function'), 451],
  ] as const) {
    replicas.faults.failure = failure;
    for (const line of [
      'CWD d',
      'MKD d',
      'RMD d',
      'DELE f',
      'RNFR f',
      'SIZE f',
      'MDTM f',
      'MLST f',
      'HASH f',
      'STAT f',
    ]) {
      const answer = await client.command(line);
      t.is(answer.code, code, line);
      t.notRegex(answer.text, /srv/);
    }
    for (const line of ['RETR f', 'LIST', 'NLST', 'MLSD'])
      t.is((await client.download(line)).reply.code, code, line);
    for (const line of ['STOR f', 'APPE f', 'STOU']) t.is((await client.upload(line, 'y')).code, code, line);
    const told = log.filter(
      ({ level, message }) =>
        (level === 'warn' || level === 'error') && !/guest|who the users are/.test(message),
    );
    t.is(told.length - toldBefore, 17, 'one line of the log each');
    toldBefore = told.length;
    replicas.faults.failure = null;
    t.is((await client.download('RETR f')).bytes.toString(), 'x');
  }
  t.true(log.some(({ level, message }) => level === 'error' && message.includes('nobody foresaw')));
});

test('a member that fails in the middle of an upload: an error, the old file stays', async (t) => {
  const { login, put, stored, replicas } = await withProxy(t);
  await put('f', 'old');
  const client = await login();
  const start = replicas.startUpload.bind(replicas);
  replicas.startUpload = async (path, options) => {
    const upload = await start(path, options);
    let writes = 0;
    return {
      get size() {
        return upload.size;
      },
      write: async (chunk) => {
        writes += 1;
        if (writes > 2) throw new Refusal('no-space', 'ENOSPC', { path });
        await upload.write(chunk);
      },
      finish: () => upload.finish(),
      abort: (why) => upload.abort(why),
      keep: (as) => upload.keep(as),
    };
  };
  t.is((await client.upload('STOR f', Buffer.alloc(8 * 1024 * 1024))).code, 452);
  t.is(await stored('f'), 'old');
  t.deepEqual(await replicas.stagedFiles(), []);
  t.is((await client.command('NOOP')).code, 200);
});
