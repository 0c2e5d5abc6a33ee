/** Coming and going: USER, PASS, REIN and QUIT. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Account, isSameLogin } from '../../accounts/account.ts';
import { addressGroup } from '../../ftp/address.ts';
import { lastReply, type Reply, reply } from '../../ftp/reply.ts';
import type { CommandDefinition } from '../command-definition.ts';
import { isHomeThere } from '../home-folder.ts';
import { tooManyLogins, tooManySessions } from '../limits/login-limits.ts';
import type { Session } from '../session.ts';
import { isTlsMissing } from './security.ts';

/** Characters of a wrong user name in the log. */
const LONGEST_LOGGED_NAME = 64;

export const accessCommands: readonly CommandDefinition[] = [
  {
    name: 'USER',
    argument: 'required',
    syntax: '<name>',
    needsLogin: false,
    help: 'Begins a login. The answer is the same for every name. 530 without TLS where it is required.',
    reference: 'RFC 959 4.1.1',
    run(session, argument) {
      if (isTlsMissing(session)) return reply(530, 'Use AUTH TLS first.');
      session.login = { kind: 'password-expected', user: argument.trim() };
      return reply(331, 'Password, please.');
    },
  },
  {
    name: 'PASS',
    argument: 'optional',
    syntax: '<password>',
    needsLogin: false,
    help: 'Ends a login. Wrong ones are answered more and more slowly; after five the connection ends.',
    reference: 'RFC 959 4.1.1',
    run: logIn,
  },
  {
    name: 'ACCT',
    argument: 'optional',
    syntax: '<account>',
    needsLogin: false,
    help: 'Not needed: 202.',
    reference: 'RFC 959 4.1.1',
    run: () => reply(202, 'No account is needed.'),
  },
  {
    name: 'REIN',
    argument: 'none',
    needsLogin: false,
    help: 'Logs out; the connection stays. Not over TLS (502), which would have to end with it (RFC 4217 11).',
    reference: 'RFC 959 4.1.1',
    run(session) {
      if (session.security.encrypted) return reply(502, 'Not over TLS; connect anew.');
      session.reset();
      return reply(220, 'Ready for a new user.');
    },
  },
  {
    name: 'QUIT',
    argument: 'none',
    needsLogin: false,
    help: 'Ends the session; a running transfer finishes first.',
    reference: 'RFC 959 4.1.1',
    run: () => lastReply(221, 'Good-bye.'),
  },
  {
    name: 'HOST',
    argument: 'required',
    syntax: '<name>',
    needsLogin: false,
    feature: 'HOST',
    help: 'Accepted before login: all names are the same place.',
    reference: 'RFC 7151',
    run: (session) =>
      session.login.kind === 'user-expected'
        ? reply(220, 'All names are the same place here.')
        : reply(503, 'HOST comes before USER.'),
  },
];

async function logIn(session: Session, password: string): Promise<Reply> {
  const { login, services, clientAddress } = session;
  if (login.kind !== 'password-expected') {
    return login.kind === 'logged-in'
      ? reply(230, 'You are logged in already.')
      : reply(503, 'USER comes first.');
  }
  const refusal = tooManyLogins(session);
  if (refusal !== null) return refusal;
  const delayMs = services.throttle.delayMs(clientAddress);
  if (delayMs > 0) await delay(delayMs);
  const verdict = await services.users.check(login.user, password, addressGroup(clientAddress));
  switch (verdict.kind) {
    case 'welcome':
      return await welcome(session, verdict.account);
    case 'unknown':
      session.login = { kind: 'user-expected' };
      return lastReply(
        421,
        'Nobody can log in at the moment: this member has not heard from the others who the users are (see cloudroid status).',
      );
    case 'busy':
      session.login = { kind: 'user-expected' };
      return lastReply(421, 'Too many logins at once; try again later.');
    case 'wrong':
      return refuse(session, login.user);
  }
}

async function welcome(session: Session, account: Account): Promise<Reply> {
  const { home, rights } = account;
  const { replicas, users } = session.services;
  if (!(await isHomeThere(replicas, home))) {
    session.logger.warn('login failed: the home folder is a file', { as: account.name, home });
    return lastReply(421, 'Your home folder cannot be opened; ask the administrator.');
  }
  const noPlace = tooManySessions(session, account.name);
  if (noPlace !== null) return noPlace;
  // Of now: who was removed in this moment is not let in.
  const now = users.current(account.name);
  if (now === null || !isSameLogin(account, now)) return refuse(session, account.name);
  session.logIn(now);
  session.logger.info('logged in', { ...(home !== '/' && { home }), ...(rights !== 'full' && { rights }) });
  return reply(230, 'Welcome.');
}

function refuse(session: Session, user: string): Reply {
  const { services, clientAddress } = session;
  services.throttle.failed(clientAddress);
  session.login = { kind: 'user-expected' };
  session.failedLogins += 1;
  session.logger.warn('login failed', {
    as: user.slice(0, LONGEST_LOGGED_NAME),
    tries: session.failedLogins,
  });
  if (session.failedLogins >= services.limits.loginTries) return lastReply(421, 'Too many wrong passwords.');
  return reply(530, 'User name or password is wrong.');
}
