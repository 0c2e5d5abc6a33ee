import test from 'ava';
import { formatReply, multilineReply, quotedPath, reply } from '../../src/ftp/reply.ts';

test('one line and many lines, as RFC 959 section 4.2 has them', (t) => {
  t.is(formatReply(reply(200, 'Here.')), '200 Here.\r\n');
  t.is(
    formatReply(multilineReply(211, 'A:', ['b', '211 c'], 'End')),
    '211-A:\r\n b\r\n 211 c\r\n211 End\r\n',
  );
});

test('no text breaks out of its line', (t) => {
  t.is(formatReply(reply(550, 'a\r\n226 ok\0')), '550 a??226 ok?\r\n');
});

test('quotes in a path are doubled', (t) => {
  t.is(quotedPath('/a"b'), '"/a""b"');
});
