/** ABOR as real programs send it, with the urgent byte that only a C socket can send: hence Python. */
import { spawn, spawnSync } from 'node:child_process';
import test from 'ava';
import { withProxy } from './with-proxy.ts';

const python = spawnSync('python3', ['--version']).status === 0;

const PROGRAM = String.raw`
import re, socket, sys
OOB = socket.MSG_OOB
control = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
control.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
lines = control.makefile('rb')
def code():
    line = lines.readline()
    while line[3:4] != b' ':
        line = lines.readline()
    return line[:3].decode()
def say(line):
    control.sendall(line + b'\r\n')
    return code()
def data():
    control.sendall(b'EPSV\r\n')
    return socket.create_connection(('127.0.0.1', int(re.search(rb'\|(\d+)\|', lines.readline()).group(1))))
def lftp():
    control.sendall(b'\xff\xf4\xff'); control.send(b'\xf2', OOB); control.sendall(b'ABOR\r\n')
def tnftp():
    control.send(b'\xff\xf4\xff', OOB); control.sendall(b'\xf2ABOR\r\n')
def ftplib():
    control.send(b'ABOR\r\n', OOB)
code(); say(b'USER guest'); say(b'PASS guest')
for abort in (lftp, tnftp, ftplib):
    heard = [abort.__name__]
    for line in (b'STOR f', b'RETR large'):
        transfer = data()
        heard.append(say(line))
        if line[0:4] == b'STOR': transfer.sendall(b'half')
        abort()
        heard += [code(), code()]
        transfer.close()
    abort()
    heard += [code(), say(b'NOOP'), say(b'PWD')]
    print(' '.join(heard), flush=True)
`;

test('ABOR with the Synch of lftp, of tnftp and of ftplib: 426 and 226, 225 when nothing runs, and the dialogue goes on', async (t) => {
  if (!python) {
    t.log('skipped: no python3');
    t.pass();
    return;
  }
  const { port, put, stored, replicas } = await withProxy(t);
  await put('f', 'old');
  await put('large', Buffer.alloc(12 * 1024 * 1024));
  const program = spawn('python3', ['-c', PROGRAM, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => program.kill());
  let heard = '';
  for await (const piece of program.stdout) heard += String(piece);
  t.deepEqual(
    heard.trim().split('\n'),
    ['lftp', 'tnftp', 'ftplib'].map((name) => `${name} 150 426 226 150 426 226 225 200 257`),
  );
  t.is(await stored('f'), 'old');
  t.deepEqual(await replicas.stagedFiles(), []);
});
