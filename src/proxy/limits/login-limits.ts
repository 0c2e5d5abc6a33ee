/** What PASS is refused for besides a wrong password: --logins-per-minute and --max-sessions-per-user. */
import { lastReply, type Reply } from '../../ftp/reply.ts';
import type { Session } from '../session.ts';

/** Before the password is looked at. Null: go on, and this try is counted. */
export function tooManyLogins({ services, clientAddress, logger }: Session): Reply | null {
  if (services.loginRate.take(clientAddress)) return null;
  logger.debug('too many logins in a minute');
  return lastReply(421, 'Too many logins from your address; try again in a minute.');
}

/** When the password was right, just before the session counts as this user's. */
export function tooManySessions({ services, logger }: Session, user: string): Reply | null {
  if (services.sessionsOf(user) < services.maxSessionsPerUser) return null;
  logger.warn('too many sessions of one user', { user });
  return lastReply(421, 'Too many sessions of this user.');
}
