/** How the next transfer will go: where the data connection comes from, where to start, in which form. */
import { isSameAddress, protocolNumber } from '../../ftp/address.ts';
import { extendedPassiveText, parseExtendedPort, parsePort, passiveText } from '../../ftp/host-port.ts';
import { type Reply, reply } from '../../ftp/reply.ts';
import type { CommandDefinition } from '../command-definition.ts';
import type { Session } from '../session.ts';

/** Ports below this one belong to services that a client has no business making us talk to (RFC 2577 section 3). */
const FIRST_CLIENT_PORT = 1024;

export const dataCommands: readonly CommandDefinition[] = [
  {
    name: 'PASV',
    argument: 'none',
    help: 'The server listens for the data connection, IPv4.',
    reference: 'RFC 959 4.1.2',
    async run(session) {
      if (session.extendedPassiveOnly) return onlyExtended();
      if (protocolNumber(session.localAddress) !== 1) return reply(425, 'PASV is for IPv4; use EPSV.');
      const { clientAddress, localAddress, services } = session;
      const port = await session.data.listen();
      return reply(227, passiveText(services.passiveAddresses.for(clientAddress, localAddress), port));
    },
  },
  {
    name: 'EPSV',
    argument: 'optional',
    syntax: '[1 | 2 | ALL]',
    feature: 'EPSV',
    help: 'The server listens for the data connection, IPv4 or IPv6. ALL: nothing else from now on.',
    reference: 'RFC 2428 3',
    async run(session, argument) {
      const wanted = argument.trim().toUpperCase();
      if (wanted === 'ALL') {
        session.extendedPassiveOnly = true;
        return reply(200, 'Only EPSV from now on.');
      }
      if (wanted !== '' && !/^\d+$/.test(wanted)) return reply(501, 'Say EPSV, EPSV 1, EPSV 2 or EPSV ALL.');
      const own = protocolNumber(session.localAddress);
      if (wanted !== '' && wanted !== String(own))
        return reply(522, `You came by another protocol, use (${own}).`);
      return reply(229, extendedPassiveText(await session.data.listen()));
    },
  },
  {
    name: 'PORT',
    argument: 'required',
    syntax: '<h1,h2,h3,h4,p1,p2>',
    help: 'The client listens for the data connection, IPv4; only at its own address.',
    reference: 'RFC 959 4.1.2, RFC 2577 3',
    run(session, argument) {
      if (session.extendedPassiveOnly) return onlyExtended();
      const target = parsePort(argument);
      return target === null
        ? reply(501, 'Say PORT h1,h2,h3,h4,p1,p2.')
        : connectTo(session, target.host, target.port);
    },
  },
  {
    name: 'EPRT',
    argument: 'required',
    syntax: '|<1 or 2>|<address>|<port>|',
    feature: 'EPRT',
    help: 'The client listens for the data connection, IPv4 or IPv6; only at its own address.',
    reference: 'RFC 2428 2, RFC 2577 3',
    run(session, argument) {
      if (session.extendedPassiveOnly) return onlyExtended();
      const target = parseExtendedPort(argument);
      if (target === null) return reply(501, 'Say EPRT |1|<address>|<port>|.');
      const own = protocolNumber(session.clientAddress);
      if (target.kind === 'unknown-protocol' || target.protocol !== own) {
        return reply(522, `That network protocol is not possible here, use (${own}).`);
      }
      return connectTo(session, target.host, target.port);
    },
  },
  {
    name: 'TYPE',
    argument: 'required',
    syntax: 'I | A | L 8',
    help: 'Remembered; bytes are never changed, in TYPE A neither (as vsftpd has it by default).',
    reference: 'RFC 959 4.1.2',
    run(session, argument) {
      const type = argument.trim().toUpperCase();
      if (/^(I( ?N)?|L ?8)$/.test(type)) session.representation = 'Image';
      else if (/^A([ ;]?N)?$/.test(type)) session.representation = 'ASCII';
      else if (/^([AE][ ;]?[NTC]?|L ?\d+)$/.test(type)) return reply(504, 'Only TYPE I, A and L 8.');
      else return reply(501, 'Say TYPE I or TYPE A.');
      return reply(200, `TYPE is ${session.representation}; bytes are never changed.`);
    },
  },
  {
    name: 'MODE',
    argument: 'required',
    syntax: 'S',
    help: 'Stream only.',
    reference: 'RFC 959 4.1.2',
    run: (_session, argument) => choice(argument, 'S', /^[BCZ]$/, 'MODE'),
  },
  {
    name: 'STRU',
    argument: 'required',
    syntax: 'F',
    help: 'File only.',
    reference: 'RFC 959 4.1.2',
    run: (_session, argument) => choice(argument, 'F', /^[RP]$/, 'STRU'),
  },
  {
    name: 'ALLO',
    argument: 'required',
    syntax: '<bytes> [R <bytes>]',
    help: 'Announces the size of the next upload: refused before it begins if there is no room, not stored if another number of bytes comes. 0 announces nothing.',
    reference: 'RFC 959 4.1.3',
    run(session, argument) {
      const [, bytes] = /^(\d{1,15})( R \d{1,15})?$/i.exec(argument.trim()) ?? [];
      if (bytes === undefined) return reply(501, 'Say ALLO <bytes>.');
      session.announcedBytes = Number(bytes);
      return reply(200, 'Noted for the next upload.');
    },
  },
  {
    name: 'REST',
    argument: 'required',
    syntax: '<byte>',
    feature: 'REST STREAM',
    help: 'The next RETR starts there; the next STOR keeps the bytes before it and replaces the rest.',
    reference: 'RFC 3659 5',
    run(session, argument) {
      if (!/^\d{1,15}$/.test(argument.trim())) return reply(501, 'Say REST <byte>.');
      session.restartAt = Number(argument);
      return reply(350, `The next transfer starts at byte ${session.restartAt}.`);
    },
  },
  {
    name: 'ABOR',
    // Whatever a lost Synch has left behind it: who says ABOR wants the transfer to end.
    argument: 'optional',
    duringTransfer: 'urgent',
    help: 'Gives the running transfer up: 426 for it, then 226. An upload leaves the old file as it was.',
    reference: 'RFC 959 4.1.3',
    run(session) {
      if (!session.abortPending) return reply(225, 'Nothing to abort.');
      session.abortPending = false;
      return reply(226, 'Aborted.');
    },
  },
];

function onlyExtended(): Reply {
  return reply(501, 'After EPSV ALL only EPSV.');
}

/** Never to a third party, whose host would take our bytes for the client's (CVE-1999-0017). */
function connectTo(session: Session, host: string, port: number): Reply {
  if (!isSameAddress(host, session.clientAddress)) {
    session.warnOnce('refused a data connection to another address', { wanted: host });
    return reply(500, 'Data connections go to your own address only.');
  }
  if (port < FIRST_CLIENT_PORT)
    return reply(500, `Data connections go to ports from ${FIRST_CLIENT_PORT} on only.`);
  session.data.connectTo(port);
  return reply(200, 'Ready to connect.');
}

function choice(argument: string, only: string, known: RegExp, command: string): Reply {
  const value = argument.trim().toUpperCase();
  if (value === only) return reply(200, `${command} is ${only}.`);
  return known.test(value) ? reply(504, `Only ${command} ${only}.`) : reply(501, `Say ${command} ${only}.`);
}
