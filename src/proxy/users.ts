/** Who may log in. Accounts of the network come later; until then everybody is guest. */
import { createHash, timingSafeEqual } from 'node:crypto';

export interface Users {
  /** Takes the same time for every user name and password. */
  check(user: string, password: string): boolean | Promise<boolean>;
}

/** guest/guest, which is what having no accounts means: a public password. */
export const guestOnly: Users = {
  check(user, password) {
    const rightUser = equal(user, 'guest');
    const rightPassword = equal(password, 'guest');
    return rightUser && rightPassword;
  },
};

function equal(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
